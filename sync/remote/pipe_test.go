package remote

import (
	"bytes"
	"io"
	"testing"

	"github.com/zccp/zccp/sync/wire"
)

// TestPipeOfSmallChunks: what is held takes the memory of its bytes, however
// they come.
func TestPipeOfSmallChunks(t *testing.T) {
	a, _ := memoryPair(t)
	s := sessionAt(a)
	p := newPipe(s)
	var want []byte
	for i := range 3 * wire.MaxChunk {
		b := byte(i * 7)
		want = append(want, b)
		if err := p.arrived(&wire.Chunk{Stream: pipeStream, Data: []byte{b}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.held) > 4 {
		t.Errorf("%d pieces are held", len(p.held))
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(p, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v, or other bytes were read", err)
	}
}
