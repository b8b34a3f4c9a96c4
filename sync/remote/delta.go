package remote

import (
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

// deltaSender answers requests for what of a file differs from what the
// receiver has.
type deltaSender struct{ d *sender }

func newDeltaSender(d *sender) *deltaSender { return &deltaSender{d} }

// expect notes that files were asked for of which a Signature follows. It runs
// on the reader.
func (x *deltaSender) expect(dir uint32, run wire.Run) {
	run.Action = wire.Whole
	x.d.needs.add(dir, run)
}

// message takes a Signature or Fine.
func (x *deltaSender) message(msg any) error { return violated("%T was not asked for", msg) }

// deltaReceiver asks for what of a file differs from its basis.
type deltaReceiver struct{ r *receiver }

func newDeltaReceiver(r *receiver) *deltaReceiver { return &deltaReceiver{r} }

// need asks for a file. It is called by the engine and must not wait.
func (x *deltaReceiver) need(id wire.FileID, size int64, basis *mirror.Basis) {
	x.r.peer.Need(id, size)
}

// refine answers a Refine.
func (x *deltaReceiver) refine(m *wire.Refine) error { return violated("a delta was not asked for") }
