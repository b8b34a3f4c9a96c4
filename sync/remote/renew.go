package remote

// wear looks after the key of one stream at one end. It is for the goroutine
// that uses the stream.
type wear struct {
	s   *session
	st  *stream
	due int64 // when it is to be replaced next, in bytes; 0 until the first look
}

// look opens another stream once this one has carried so much that its key
// should not be used for long any more, and begins to use it with start. Both
// ends count the same bytes, so each knows when the other does it. Until another
// one is there this one goes on; an attempt that failed is made again after as
// much again.
func (w *wear) look(start func(*stream) error) error {
	life := w.s.life
	if life == 0 || !w.st.private || w.st.number == pipeStream || w.st.retired.Load() {
		return nil
	}
	if w.due == 0 {
		w.due = life
	}
	used := w.st.used.Load()
	if used < w.due {
		return nil
	}
	if used >= w.s.end {
		return failf(CodeSocket, "the key of a data stream has been used for %d bytes, and no other stream could be opened in its place", used)
	}
	w.due = used - used%life + life
	w.s.spawn(&w.s.data, func() error {
		next, err := w.s.renew(w.s.ctx)
		if err != nil {
			return nil
		}
		w.st.retired.Store(true)
		return start(next)
	})
	return nil
}
