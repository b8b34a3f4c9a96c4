package copier

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/zccp/zccp/platform"
)

// A temporary name is ".zccp-" + 13 random characters + 7 that are a checksum
// of them and of the inode number of the directory it stands in. So a run can
// tell the litter of a killed run from a user's file of a similar name, even
// one that was itself copied from somewhere else with such a name, and the
// name doesn't grow with the final one (255 bytes are allowed for both).
const (
	tempPrefix = ".zccp-"
	tempRandom = 13
	tempCheck  = 7
	tempLen    = len(tempPrefix) + tempRandom + tempCheck
)

// TempSize is room for a temporary name and its NUL.
const TempSize = tempLen + 1

const tempAlphabet = "abcdefghijklmnopqrstuvwxyz234567"

// TempName writes a fresh temporary name for a directory into buf, which holds
// TempSize bytes, and returns it. Names are random, not secret: who creates
// one does so exclusively.
func TempName(buf []byte, dirIno uint64) platform.Name {
	b := append(buf[:0], tempPrefix...)
	b = base32(b, rand.Uint64(), tempRandom)
	b = base32(b, tempSum(b[len(tempPrefix):], dirIno), tempCheck)
	return platform.Name(append(b, 0))
}

// resumeName writes into buf the temporary name of a file that can be resumed.
// The last of its random characters is from the second half of the alphabet,
// where the one that TempName makes of four bits never is.
func resumeName(buf []byte, id [16]byte, dirIno uint64) platform.Name {
	b := append(buf[:0], tempPrefix...)
	b = base32(b, binary.LittleEndian.Uint64(id[:]), tempRandom-1)
	b = append(b, tempAlphabet[16+id[15]&15])
	b = base32(b, tempSum(b[len(tempPrefix):], dirIno), tempCheck)
	return platform.Name(append(b, 0))
}

// IsResumable reports whether a name for which IsTemp holds is that of a file
// that Put.Resume may go on with. Who sweeps leaves it until the files of its
// directory are done.
func IsResumable(name []byte) bool {
	const at = len(tempPrefix) + tempRandom - 1
	return len(name) == tempLen && strings.IndexByte(tempAlphabet[16:], name[at]) >= 0
}

// IsTemp reports whether name, without NUL, was made by TempName for the
// directory of that inode.
func IsTemp(name []byte, dirIno uint64) bool {
	if len(name) != tempLen || string(name[:len(tempPrefix)]) != tempPrefix {
		return false
	}
	random := name[len(tempPrefix) : len(tempPrefix)+tempRandom]
	var want [tempCheck]byte
	base32(want[:0], tempSum(random, dirIno), tempCheck)
	return string(name[len(tempPrefix)+tempRandom:]) == string(want[:])
}

func tempSum(random []byte, dirIno uint64) uint64 {
	var b [tempRandom + 8]byte
	copy(b[:], random)
	binary.LittleEndian.PutUint64(b[tempRandom:], dirIno)
	return xxh3.Hash(b[:])
}

func base32(b []byte, v uint64, n int) []byte {
	for range n {
		b = append(b, tempAlphabet[v&31])
		v >>= 5
	}
	return b
}
