package platform

// Name is a file name, path or attribute name as the kernel takes it: bytes of
// any encoding, ended by one NUL that is part of the slice. A Name cut from a
// directory buffer is valid as long as the buffer; Clone keeps it longer.
type Name []byte

// MakeName returns s as a Name. It fails with EINVAL if s holds a NUL.
func MakeName(s string) (Name, error) {
	n := make(Name, len(s)+1)
	copy(n, s)
	for _, c := range n[:len(s)] {
		if c == 0 {
			return nil, errInvalidName
		}
	}
	return n, nil
}

// MustName is MakeName for constants.
func MustName(s string) Name {
	n, err := MakeName(s)
	if err != nil {
		panic("platform: NUL in name " + s)
	}
	return n
}

// Bytes returns the name without its NUL; it aliases n.
func (n Name) Bytes() []byte {
	if len(n) == 0 {
		return nil
	}
	return n[:len(n)-1]
}

// String returns the name without its NUL.
func (n Name) String() string { return string(n.Bytes()) }

// Clone returns a copy of n.
func (n Name) Clone() Name { return append(Name(nil), n...) }

// IsDots reports whether n is "." or "..", which every listing holds.
func (n Name) IsDots() bool {
	return n[0] == '.' && (len(n) == 2 || len(n) == 3 && n[1] == '.')
}
