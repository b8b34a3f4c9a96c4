package platformtest

import (
	"os"
	"runtime"
	"testing"
)

// witness is a test whose errors are only counted.
type witness struct {
	testing.TB
	errors  int
	cleanup []func()
}

func (w *witness) Helper()               {}
func (w *witness) Cleanup(f func())      { w.cleanup = append(w.cleanup, f) }
func (w *witness) Errorf(string, ...any) { w.errors++ }

func TestOpenDescriptors(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has the list of descriptors that is read here")
	}
	for _, leaks := range []bool{false, true} {
		w := &witness{TB: t}
		OpenDescriptors(w)
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		if !leaks {
			f.Close()
		}
		w.cleanup[0]()
		f.Close()
		if (w.errors > 0) != leaks {
			t.Errorf("a descriptor left open: %v; errors: %d", leaks, w.errors)
		}
	}
}
