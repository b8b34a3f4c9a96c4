package platform

// MakeDevice returns the number of a device as Stat.Rdev and Calls.Mknodat have
// it on every system: as Linux encodes it (makedev(3) of glibc), so that it
// means the same at both ends of a connection.
func MakeDevice(major, minor uint32) uint64 {
	a, b := uint64(major), uint64(minor)
	return a&0xfff<<8 | a&^0xfff<<32 | b&0xff | b&^0xff<<12
}

// SplitDevice is MakeDevice the other way.
func SplitDevice(dev uint64) (major, minor uint32) {
	return uint32(dev>>8&0xfff | dev>>32&^0xfff), uint32(dev&0xff | dev>>12&^0xff)
}
