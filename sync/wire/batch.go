package wire

import "encoding/binary"

// BatchFile is a small file in a batch. Data is all it has if Status is Good,
// Size bytes, and else nil.
type BatchFile struct {
	ID     FileID
	Status Status
	Size   int64
	Mtime  Time
	Data   []byte
}

// The payload of a batch is for each file
//
//	status	byte
//	dir, index, size	varints
//	mtime	seconds, signed varint; nanoseconds, varint
//	data
//
// and at its end the number of files, as u32.
const (
	batchTrailer = 4
	leastFile    = 6                 // bytes of a file without data
	mostFile     = 1 + 2*5 + 10 + 15 // bytes of a file beside its data
)

// BatchWriter packs small files into one buffer, in which the header of the
// frame comes first: a batch goes out with one write. The zero value is ready
// for use. It is for one goroutine.
type BatchWriter struct {
	buf   []byte
	count int
	last  BatchFile
	at    int // where the last file begins in buf
}

// Reset empties the batch. Its memory is used again.
func (w *BatchWriter) Reset() {
	w.buf, w.count = w.buf[:0], 0
}

// Count is the number of files.
func (w *BatchWriter) Count() int { return w.count }

// Len is the length of the payload so far, bytes.
func (w *BatchWriter) Len() int { return max(0, len(w.buf)-HeaderSize) }

// Add appends a file of size bytes as Good and returns the room for its data,
// which the caller fills completely before the next call, or else calls Fail.
// It reports false, and does nothing, if the batch would get too large.
func (w *BatchWriter) Add(id FileID, size int64, mtime Time) (room []byte, ok bool) {
	if size < 0 || size > MaxBatch || w.count == MaxBatchFiles || w.Len()+mostFile+int(size)+batchTrailer > MaxBatch {
		return nil, false
	}
	if len(w.buf) == 0 {
		w.buf = append(w.buf, make([]byte, HeaderSize)...)
	}
	w.last, w.at = BatchFile{ID: id, Status: Good, Size: size, Mtime: mtime}, len(w.buf)
	w.describe()
	w.count++
	begin, end := len(w.buf), len(w.buf)+int(size)
	if end > cap(w.buf) {
		// The first batch takes what later ones will want.
		w.buf = append(make([]byte, 0, max(end, min(2*cap(w.buf), HeaderSize+MaxBatch))), w.buf...)
	}
	w.buf = w.buf[:end]
	return w.buf[begin:end:end], true
}

// Fail says of the file that was added last that there is no data of it. It
// keeps no trace of what its room was filled with.
func (w *BatchWriter) Fail(status Status) {
	clear(w.buf[w.at:])
	w.buf = w.buf[:w.at]
	w.last.Status = status
	w.describe()
}

// Undo takes back the file that was added last.
func (w *BatchWriter) Undo() {
	clear(w.buf[w.at:])
	w.buf = w.buf[:w.at]
	w.count--
}

// describe appends what stands before the data of the last file.
func (w *BatchWriter) describe() {
	b := append(w.buf, byte(w.last.Status))
	b = appendID(b, w.last.ID)
	b = binary.AppendUvarint(b, uint64(w.last.Size))
	w.buf = appendTime(b, w.last.Mtime)
}

// Payload ends the batch, which has a file at least, and returns its payload. It
// and Frame may be called once between two calls of Reset, either of them, and
// what they return is valid until that.
func (w *BatchWriter) Payload() []byte {
	w.buf = binary.LittleEndian.AppendUint32(w.buf, uint32(w.count))
	return w.buf[HeaderSize:]
}

// Frame ends the batch, which has a file at least, as number seq of its stream,
// and returns header and payload.
func (w *BatchWriter) Frame(seq int64) []byte {
	n := len(w.Payload())
	h := FrameHeader{Type: FrameBatch, Off: seq, Raw: int64(n), Len: uint32(n)}
	h.Put((*[HeaderSize]byte)(w.buf))
	return w.buf
}

// ParseBatch reads the payload of a batch, decompressed. The data of the files
// are slices of it. The error is a *Violation.
func ParseBatch(payload []byte) ([]BatchFile, error) {
	if len(payload) < batchTrailer || len(payload) > MaxBatch {
		return nil, violation("batch of %d bytes", len(payload))
	}
	c := cursor{b: payload[:len(payload)-batchTrailer]}
	n := binary.LittleEndian.Uint32(payload[len(payload)-batchTrailer:])
	if n == 0 || n > MaxBatchFiles || int(n) > len(c.b)/leastFile {
		return nil, violation("batch of %d files in %d bytes", n, len(payload))
	}
	files := make([]BatchFile, n)
	for i := range files {
		f := &files[i]
		f.Status = Status(c.byte())
		f.ID, f.Size, f.Mtime = c.id(), c.size(), c.time()
		if c.err != nil {
			return nil, c.err
		}
		if err := f.Status.check(); err != nil {
			return nil, err
		}
		if f.Status != Good {
			continue
		}
		if f.Size > int64(len(c.b)) {
			return nil, violation("file of %d bytes in a batch of %d", f.Size, len(payload))
		}
		f.Data = c.next(int(f.Size))
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	return files, nil
}
