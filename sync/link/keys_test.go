package link

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGenerateKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "dir", "key")
	pin, err := GenerateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil || dir.Mode().Perm() != 0o700 {
		t.Errorf("mode of the directory %v, %v", dir.Mode(), err)
	}
	if got, err := Fingerprint(path); err != nil || got != pin || !strings.HasPrefix(got.String(), "sha256:") {
		t.Errorf("%v, %v, want %v", got, err, pin)
	}
	if got, err := ParsePin(pin.String()); err != nil || got != pin {
		t.Errorf("%v, %v", got, err)
	}
	key, err := loadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	id, err := identify(key)
	if err != nil || id.pin != pin {
		t.Errorf("the certificate's pin %v, %v", id.pin, err)
	}
	if _, err := GenerateKey(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a key was replaced: %v", err)
	}
	if got, _ := Fingerprint(path); got != pin {
		t.Error("the key is another one")
	}
}

func TestLoadKey(t *testing.T) {
	dir := t.TempDir()
	encode := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := encode(p256)
	tests := []struct {
		name, text string
		mode       os.FileMode
		err        string // "" if it is loaded
	}{
		{"P-256", good, 0o600, ""},
		{"read only", good, 0o400, ""},
		{"P-384", encode(p384), 0o600, "neither an Ed25519 nor a P-256"},
		{"RSA", encode(big), 0o600, "neither an Ed25519 nor a P-256"},
		{"group can read", good, 0o640, "can be read or written by others"},
		{"others can read", good, 0o604, "can be read or written by others"},
		{"two", good + good, 0o600, "not one private key"},
		{"text before", "x\n" + good, 0o600, "not one private key"},
		{"empty", "", 0o600, "not one private key"},
		{"cut", good[:60], 0o600, "not one private key"},
		{"public", strings.ReplaceAll(good, "PRIVATE", "PUBLIC"), 0o600, "not one private key"},
		{"nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0o600, "asn1"},
		{"long", good + strings.Repeat("\n", maxKeyFile), 0o600, "longer than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(dir, "key")
			os.Remove(path)
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			_, err := loadKey(path)
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("%v, want %q", err, tt.err)
			}
			if err != nil && strings.Contains(err.Error(), "BEGIN") {
				t.Error("the error shows the file")
			}
		})
	}
}

// TestForeignLink is H05: keys, lists and configurations are not read through links that somebody
// else has put where they are expected, and are through those of the user and of root.
func TestForeignLink(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make links of others")
	}
	dir := t.TempDir()
	shared := filepath.Join(dir, "shared")
	if err := os.Mkdir(shared, 0o755); err != nil {
		t.Fatal(err)
	}
	key, list := filepath.Join(dir, "key"), filepath.Join(dir, "list")
	if _, err := GenerateKey(key); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(list, []byte(pinA+" host\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "config")
	if err := os.WriteFile(config, []byte("key = "+key+"\nclients = "+list+"\n[export a]\npath = /a\nmode = ro\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// Not in a sticky directory, where the kernel may refuse by itself
	// (fs.protected_symlinks).
	for _, owner := range []int{0, 65534} {
		for to, read := range map[string]func(string) error{
			key:    func(path string) error { _, err := loadKey(path); return err },
			list:   func(path string) error { _, err := ReadKnown(path); return err },
			config: func(path string) error { _, err := LoadConfig(path); return err },
		} {
			at := filepath.Join(shared, fmt.Sprint(filepath.Base(to), owner))
			if err := os.Symlink(to, at); err != nil {
				t.Fatal(err)
			}
			if err := os.Lchown(at, owner, owner); err != nil {
				t.Fatal(err)
			}
			if err := read(at); (err == nil) != (owner == 0) || err != nil && !strings.Contains(err.Error(), "symbolic link of somebody else") {
				t.Errorf("%s, a link of %d: %v", filepath.Base(to), owner, err)
			}
		}
	}
}

// TestLinkGone: a link that stood there for as long as it took to open the file is found out.
func TestLinkGone(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "key"), filepath.Join(dir, "other")
	for _, name := range []string{path, other} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(other)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !planted(path, f) || planted(other, f) {
		t.Error("what was opened is taken for what stands there")
	}
	os.Remove(other)
	if !planted(other, f) {
		t.Error("what was opened is nowhere")
	}
}

func TestParseURL(t *testing.T) {
	pin, _ := ParsePin(pinA)
	tests := []struct {
		url  string
		want *Target
	}{
		{"zccp://host/a", &Target{Host: "host", Port: 7453, Export: "a"}},
		{"zccp://host/a/", &Target{Host: "host", Port: 7453, Export: "a"}},
		{"zccp://host:99/a/b/c d%20?x", &Target{Host: "host", Port: 99, Export: "a", Path: "b/c d%20?x"}},
		{"zccp://[2001:db8::1]/a//b", &Target{Host: "2001:db8::1", Port: 7453, Export: "a", Path: "b"}},
		{"zccp://[2001:db8::1]:99/a/b?pin=" + pinA, &Target{Host: "2001:db8::1", Port: 99, Export: "a", Path: "b", Pin: pin, Pinned: true}},
		{"zccp://host", nil},
		{"zccp://host/", nil},
		{"zccp:///a", nil},
		{"zccp://host//a", nil},
		{"zccp://user@host/a", nil},
		{"zccp://-host/a", nil},
		{"zccp://host:0/a", nil},
		{"zccp://host:65536/a", nil},
		{"zccp://host:x/a", nil},
		{"zccp://host/../b", nil},
		{"zccp://host/a?pin=sha256:12", nil},
		{"zccp://host/a/b\x00", nil},
		{"zccp://h\x1bost/a", nil},
		{"http://host/a", nil},
	}
	for _, tt := range tests {
		got, err := ParseURL(tt.url)
		if (err == nil) != (tt.want != nil) || err == nil && *got != *tt.want {
			t.Errorf("%s: %+v, %v", tt.url, got, err)
		}
	}
	if a := (&Target{Host: "HOST", Port: 7}).Address(); a != "host:7" {
		t.Errorf("address %s", a)
	}
}
