package link

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	keyType     = "PRIVATE KEY" // PKCS #8, RFC 5958
	maxKeyFile  = 64 << 10
	maxNameFile = 4 << 20
)

// DefaultKeyFile and DefaultKnownHosts are the files of a client: key and
// known_hosts in zccp's directory below XDG_CONFIG_HOME or ~/.config.
func DefaultKeyFile() (string, error)    { return configFile("key") }
func DefaultKnownHosts() (string, error) { return configFile("known_hosts") }

func configFile(name string) (string, error) {
	if dir := os.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "zccp", name), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".config", "zccp", name), nil
}

// GenerateKey makes an Ed25519 key and writes it to path, which only its owner
// can read, with the directories that lead there. A file that is there already
// is not replaced. After an error there is none.
func GenerateKey(path string) (Pin, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Pin{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pin{}, err
	}
	defer clear(der)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return Pin{}, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Pin{}, err
	}
	err = pem.Encode(f, &pem.Block{Type: keyType, Bytes: der})
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(path)
		return Pin{}, err
	}
	return pinOf(key)
}

// Fingerprint returns the pin of the key in a file.
func Fingerprint(path string) (Pin, error) {
	key, err := loadKey(path)
	if err != nil {
		return Pin{}, err
	}
	return pinOf(key)
}

func pinOf(key crypto.Signer) (Pin, error) {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	return sha256.Sum256(der), err
}

// loadKey reads a private key: one PEM block, Ed25519 or P-256, in a file that
// nobody but its owner can read.
func loadKey(path string) (crypto.Signer, error) {
	text, err := readPrivate(path, 0o077, maxKeyFile)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	block, rest := pem.Decode(text)
	if block == nil || block.Type != keyType || len(bytes.TrimSpace(rest)) > 0 || !bytes.HasPrefix(text, []byte("-----BEGIN")) {
		return nil, fmt.Errorf("%s is not one private key in PEM", path)
	}
	defer clear(block.Bytes)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	switch k := key.(type) {
	case ed25519.PrivateKey:
		return k, nil
	case *ecdsa.PrivateKey:
		if k.Curve == elliptic.P256() {
			return k, nil
		}
	}
	return nil, fmt.Errorf("%s holds neither an Ed25519 nor a P-256 key", path)
}

// readPrivate reads a regular file that gives nobody but its owner a permission
// among forbidden, and that belongs to the user or to root, as does a symbolic
// link by which it is called.
func readPrivate(path string, forbidden os.FileMode, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case runtime.GOOS != "windows" && st.Mode().Perm()&forbidden != 0:
		verb := "written"
		if forbidden&0o044 != 0 {
			verb = "read or written"
		}
		return nil, fmt.Errorf("%s can be %s by others: its mode is %04o", path, verb, st.Mode().Perm())
	case foreign(f):
		return nil, fmt.Errorf("%s belongs to somebody else", path)
	case runtime.GOOS != "windows" && planted(path, f):
		return nil, fmt.Errorf("%s was reached through a symbolic link of somebody else", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s is longer than %d bytes", path, limit)
	}
	return text, err
}

// Known is a line of a file of known hosts or of authorised clients.
type Known struct {
	Pin  Pin
	Name string // of a host "host:port", of a client anything
}

// ReadKnown reads such a file: lines of a fingerprint and a name, with
// lines that are empty or begin with # between them. Anything else is an error,
// as is a file that others can write.
func ReadKnown(path string) ([]Known, error) {
	text, err := readPrivate(path, 0o022, maxNameFile)
	if err != nil {
		return nil, err
	}
	list, err := parseKnown(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return list, nil
}

func parseKnown(text []byte) ([]Known, error) {
	var list []Known
	s := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; s.Scan(); n++ {
		line := s.Text()
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pin, name, ok := strings.Cut(line, " ")
		p, err := ParsePin(pin)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%d: %w", n, err)
		case !ok || !validName(name):
			return nil, fmt.Errorf("%d: a fingerprint, a space and a name are wanted", n)
		}
		list = append(list, Known{p, name})
	}
	if s.Err() != nil {
		return nil, errors.New("1: a line is too long")
	}
	return list, nil
}

// validName: what is shown to users is of visible characters, without spaces.
func validName(name string) bool {
	if name == "" || len(name) > 256 {
		return false
	}
	for i := range len(name) {
		if name[i] <= ' ' || name[i] == 0x7f {
			return false
		}
	}
	return printable(name, 256) == name
}
