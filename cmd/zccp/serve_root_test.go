package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zccp/zccp/sync/link"
)

// exporting serves exports of two directories below top, so that the kernel
// can't be relied on to tell them apart, without confinement. call runs a client.
func exporting(t *testing.T, top, mode string) (call func(args ...string) (code int, said string), url string) {
	t.Helper()
	pin, err := link.GenerateKey(top + "/daemon.key")
	if err != nil {
		t.Fatal(err)
	}
	client, err := link.GenerateKey(top + "/client.key")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"a", "b", "out"} {
		os.MkdirAll(filepath.Join(top, dir), 0o755)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	config, err := link.ParseConfig(fmt.Appendf(nil, "listen = %s\nkey = %s/daemon.key\nconfine = off\n[export a]\npath = %s/a\nmode = %s\nplain = yes\nallow = %s\n[export b]\npath = %s/b\nmode = ro\nallow = %s\n",
		address, top, top, mode, client, top, client))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	d, err := link.Listen(ctx, link.Options{}, config)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	far := newEnv([]string{"zccp"}, strings.NewReader(""), io.Discard, io.Discard, func(string) string { return "" })
	go func() {
		served <- d.Serve(ctx, func(ctx context.Context, l *link.Link, x *link.Export) {
			policy := exportPolicy(x)
			serveLink(ctx, far, l, &policy)
		})
	}()
	t.Cleanup(func() { stop(); <-served })
	call = func(args ...string) (int, string) {
		var said strings.Builder
		e := newEnv(append([]string{"zccp", "sync", "--key=" + top + "/client.key"}, args...), strings.NewReader(""), &said, &said, os.Getenv)
		return run(e), said.String()
	}
	return call, "zccp://" + address + "/a%s?pin=" + pin.String()
}

// TestExportKeepsIn: no client gets out of an export that the kernel does not
// confine, whatever links stand in it.
func TestExportKeepsIn(t *testing.T) {
	top := t.TempDir()
	call, url := exporting(t, top, "rw")
	os.MkdirAll(top+"/out/p", 0o755)
	os.WriteFile(top+"/out/p/f", []byte("secret"), 0o600)
	os.Symlink("../out", top+"/a/link")
	os.WriteFile(top+"/list", []byte("link/p/f\n"), 0o644)
	os.MkdirAll(top+"/src", 0o755)
	os.WriteFile(top+"/src/f", []byte("new"), 0o644)
	os.Symlink("../out/p/f", top+"/a/.rules")

	code, said := call("-aR", "--files-from="+top+"/list", fmt.Sprintf(url, "/"), top+"/got/")
	if b, err := os.ReadFile(top + "/got/link/p/f"); err == nil || code == 0 {
		t.Errorf("a list leads out: %q, code %d\n%s", b, code, said)
	}
	code, said = call("-a", "--partial-dir=link/p", top+"/src/", fmt.Sprintf(url, "/"))
	if b, err := os.ReadFile(top + "/out/p/f"); string(b) != "secret" {
		t.Errorf("the directory of partial files leads out: %q %v, code %d\n%s", b, err, code, said)
	}
	code, said = call("-a", "--delete", "--filter=: .rules", top+"/src/", fmt.Sprintf(url, "/"))
	if _, err := os.Lstat(top + "/a/.rules"); err != nil || code == 0 {
		t.Errorf("rules are read outside: code %d\n%s", code, said)
	}
	if code, said = call("-a", top+"/src/", fmt.Sprintf(url, "/sub/")); code != 0 {
		t.Errorf("nothing can be done inside: code %d\n%s", code, said)
	}
	if b, _ := os.ReadFile(top + "/a/sub/f"); string(b) != "new" {
		t.Errorf("%q arrived", b)
	}
	os.Symlink("f", top+"/a/sub/near")
	os.Symlink("../../out/p/f", top+"/a/sub/far")
	call("-aL", fmt.Sprintf(url, "/sub/"), top+"/followed/")
	if b, _ := os.ReadFile(top + "/followed/near"); string(b) != "new" {
		t.Errorf("a link inside holds %q", b)
	}
	if b, err := os.ReadFile(top + "/followed/far"); err == nil {
		t.Errorf("a link that leads out holds %q", b)
	}
	if code, said = call("-a", fmt.Sprintf(url, "/sub"), top+"/back/"); code != 0 {
		t.Errorf("nothing can be had: code %d\n%s", code, said)
	}
	if b, _ := os.ReadFile(top + "/back/sub/f"); string(b) != "new" {
		t.Errorf("%q came back", b)
	}
}

// TestPlainInPlace: what is written in place does not come over a stream that
// is checked only afterwards.
func TestPlainInPlace(t *testing.T) {
	top := t.TempDir()
	call, url := exporting(t, top, "rw")
	os.WriteFile(top+"/f", make([]byte, 1<<20), 0o644)
	for _, c := range []struct{ option, way string }{{"--no-inplace", "plain stream"}, {"--inplace", "control connection"}, {"--append", "control connection"}} {
		os.WriteFile(top+"/a/f", []byte("\x00old"), 0o644)
		code, said := call("-I", "--info=stats2", "--security=plain", c.option, top+"/f", fmt.Sprintf(url, "/"))
		if code != 0 || !strings.Contains(said, "data went through: ") || !strings.Contains(said, c.way) {
			t.Errorf("%s: code %d\n%s", c.option, code, said)
		}
	}
}

// TestExportSendsLinks: a link that is asked for itself is sent, wherever it leads, and what it
// leads to is not. With --munge-links the receiver stores it so that it leads nowhere.
func TestExportSendsLinks(t *testing.T) {
	top := t.TempDir()
	call, url := exporting(t, top, "ro")
	os.WriteFile(top+"/out/f", []byte("secret"), 0o600)
	for name, target := range map[string]string{"absolute": top + "/out", "up": "../out/f", "near": "absolute"} {
		os.Symlink(target, top+"/a/"+name)
		if code, said := call("-a", fmt.Sprintf(url, "/"+name), top+"/got/"); code != 0 {
			t.Errorf("%s: code %d\n%s", name, code, said)
		}
		if got, err := os.Readlink(top + "/got/" + name); got != target {
			t.Errorf("%s leads to %q, want %q: %v", name, got, target, err)
		}
		if code, said := call("-aL", fmt.Sprintf(url, "/"+name), top+"/followed/"); code == 0 {
			t.Errorf("%s was followed\n%s", name, said)
		}
		if code, said := call("-a", fmt.Sprintf(url, "/"+name+"/"), top+"/entered/"); code == 0 {
			t.Errorf("%s was entered\n%s", name, said)
		}
		if code, said := call("-a", "--munge-links", fmt.Sprintf(url, "/"+name), top+"/munged/"); code != 0 {
			t.Errorf("%s: code %d\n%s", name, code, said)
		}
		if got, err := os.Readlink(top + "/munged/" + name); got != "/rsyncd-munged/"+target {
			t.Errorf("%s is stored as %q: %v", name, got, err)
		}
	}
	if code, said := call("-a", "--munge-links", "--safe-links", fmt.Sprintf(url, "/"), top+"/safe/"); code != 0 {
		t.Errorf("code %d\n%s", code, said)
	}
	if got, _ := os.Readlink(top + "/safe/near"); got != "/rsyncd-munged/absolute" {
		t.Errorf("a safe link is stored as %q", got)
	}
	if got, err := os.Readlink(top + "/safe/up"); err == nil {
		t.Errorf("an unsafe link is stored as %q", got)
	}
	for _, dir := range []string{"followed", "entered"} {
		filepath.WalkDir(top+"/"+dir, func(name string, e os.DirEntry, err error) error {
			if b, _ := os.ReadFile(name); string(b) == "secret" {
				t.Errorf("%s holds what is outside", name)
			}
			return nil
		})
	}
}
