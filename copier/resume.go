package copier

import (
	"bytes"
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"github.com/zccp/zccp/platform"
)

// ResumeMin is the size from which Put.Resume does anything: less is copied in
// the time that it takes to look.
const ResumeMin = 64 << 20

// resumeChunk is how much is stored between two notes in the journal, and so
// how much is copied twice after a kill.
const resumeChunk = 16 << 20

// A file that can be resumed has a temporary name that follows from its
// source, and a journal behind its last block, which is cut off when it is
// whole. The journal is two records, written in turn, of which the one that
// is whole and further on counts:
//
//	 0  magic
//	 8  digest of what the file is copied from and to
//	24  bytes that are stored
//	32  where the machine was booted from, 0 if the bytes are on the device
//	40  digest of all that
//
// A note is made after the bytes were stored. Killing a process takes nothing
// from the page cache, so that is enough while the machine runs; after another
// boot the bytes have to be compared unless they were flushed before the note,
// as they are where durability was asked for.
const (
	journalMagic  = "zccpjrn1"
	recordSize    = 48
	journalSize   = 2 * journalStride
	journalStride = 512 // a sector: records are not to be torn together
)

// journal is that of the file at hand.
type journal struct {
	id    [16]byte
	boot  uint64
	flush bool // before each note
	at    int64
	last  int64 // what was noted
	turn  int64
	off   bool // it could not be written
	buf   [journalSize]byte
}

// resumes reports whether p is staged so that it can be resumed.
func (w *Worker) resumes(p *Put) bool {
	return p.Resume && p.Stage != InPlace && p.Stat.IsRegular() && p.Stat.Size >= w.c.resumeMin && !w.c.opts.AttributesOnly
}

// identity is the digest of the target's name and of everything about a source
// that says that it is the same file with the same content.
func identity(p *Put) [16]byte {
	var b []byte
	st := p.Stat
	for _, v := range [...]uint64{
		st.Dev, st.Ino, uint64(st.Size),
		uint64(st.Mtime.Sec), uint64(st.Mtime.Nsec), uint64(st.Ctime.Sec), uint64(st.Ctime.Nsec), p.DirIno,
	} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return xxh3.Hash128(append(b, p.Name.Bytes()...)).Bytes()
}

// takeUp opens what an earlier run left of the file, or creates what a later
// one can find. Without either the file gets a name that nobody can guess.
func (w *Worker) takeUp(s *Staged, p *Put, access int) (bool, error) {
	if w.c.opts.AttributesOnly || !p.Stat.IsRegular() {
		return false, nil
	}
	if w.resumes(p) {
		if taken, err := w.takeResumable(s, p, access); taken || err != nil {
			return taken, err
		}
	}
	return p.Partial != nil && w.takePartial(s, p, access), nil
}

func (w *Worker) takeResumable(s *Staged, p *Put, access int) (bool, error) {
	id := identity(p)
	dir, ino := p.nursery()
	s.grow = dir
	for range 100 {
		s.grown = resumeName(s.temp[:0], id, ino)
		created := true
		fd, err := w.open(dir, s.grown, access|createFlags, 0o600)
		if platform.Exists(err) {
			created = false
			fd, err = w.open(dir, s.grown, access|platform.NoFollow|platform.NonBlock, 0)
			if platform.NotExist(err) {
				continue // its owner has just finished
			}
		}
		if err != nil {
			if created {
				return false, err
			}
			return false, nil
		}
		s.fd = fd
		if w.own(s) {
			s.found = true
			w.readJournal(s, p, id)
			return true, nil
		}
		w.calls.Close(fd)
		s.fd = platform.None
		if created {
			// It can't be locked, or was swept at once.
			s.retry(func() error { return w.calls.Unlinkat(dir, s.grown) })
		}
		return false, nil // another run is at it
	}
	return false, nil
}

// readJournal finds out what a file holds, whose state is w.dstNow.
func (w *Worker) readJournal(s *Staged, p *Put, id [16]byte) {
	j := &journal{id: id, boot: w.c.boot(), flush: w.c.opts.Fsync != NoSync, at: journalAt(p.Stat.Size)}
	s.journal = j
	if s.have = w.dstNow.Size; s.have == 0 {
		return
	}
	if w.dstNow.Mode&platform.ModeBits != 0o600 {
		// Its metadata were being set: it was whole, or meant to be.
		if w.calls.Fchmod(s.fd, 0o600) != nil {
			return
		}
		return
	}
	n, err := w.readFull(s.fd, j.buf[:], j.at)
	if err != nil {
		return
	}
	best, boot := int64(-1), uint64(0)
	for slot := range int64(2) {
		at := slot * journalStride
		if at+recordSize > int64(n) {
			break
		}
		if off, b, ok := j.parse(j.buf[at : at+recordSize]); ok && off > best && off <= p.Stat.Size {
			best, boot, j.turn = off, b, slot+1
		}
	}
	switch {
	case best < 0: // killed before the first note, or when it was cut off
	case boot == 0 || boot == j.boot && j.boot != 1:
		s.have, s.trusted = max(best, 1), best
	default:
		s.have = max(best, 1)
	}
}

// journalAt returns where the journal of a file of that size begins.
func journalAt(size int64) int64 { return (size + deltaBlock - 1) &^ (deltaBlock - 1) }

func (j *journal) parse(b []byte) (off int64, boot uint64, ok bool) {
	le := binary.LittleEndian
	ok = string(b[:8]) == journalMagic && bytes.Equal(b[8:24], j.id[:]) && le.Uint64(b[40:]) == xxh3.Hash(b[:40])
	return int64(le.Uint64(b[24:])), le.Uint64(b[32:]), ok
}

func (j *journal) record(off int64) []byte {
	le := binary.LittleEndian
	b := append(j.buf[:0], journalMagic...)
	b = append(b, j.id[:]...)
	b = le.AppendUint64(b, uint64(off))
	boot := j.boot
	if j.flush {
		boot = 0
	}
	b = le.AppendUint64(b, boot)
	return le.AppendUint64(b, xxh3.Hash(b))
}

// begin puts the journal behind the end of the file, by one write: a file with
// the room for it has one.
func (j *journal) begin(w *Worker, t *transfer) {
	clear(j.buf[:])
	off := t.off
	if j.flush && off > 0 && w.calls.Fdatasync(t.dst) != nil {
		off = 0
	}
	j.record(off)
	j.last, j.turn = t.off, 1
	if _, err := w.store(t.dst, j.buf[:], j.at); err != nil {
		// Of no use to the copy; the data tell by themselves whether there is
		// room for them.
		t.journal = nil
	}
	t.sized = j.at + journalSize
}

// note writes down how far the file is stored.
func (j *journal) note(w *Worker, t *transfer) error {
	if j.off || t.off-j.last < w.c.resumeChunk || t.off >= t.srcStat.Size {
		return nil
	}
	if j.flush {
		if err := w.calls.Fdatasync(t.dst); err != nil {
			return step(StepSync, err)
		}
	}
	if _, err := w.store(t.dst, j.record(t.off), j.at+j.turn%2*journalStride); err != nil {
		j.off = true
		return nil
	}
	j.last = t.off
	j.turn++
	return nil
}

// bootID tells one boot of the machine from another: 1 if it can't be told.
func bootID(calls *platform.Calls) uint64 {
	fd, err := calls.Openat(platform.CWD, bootIDPath, platform.ReadOnly, 0)
	if err != nil {
		return 1
	}
	defer calls.Close(fd)
	var b [64]byte
	n, err := calls.Pread(fd, b[:], 0)
	if err != nil || n < 16 || n > len(b) {
		return 1
	}
	return max(xxh3.Hash(b[:n]), 2)
}

var bootIDPath = platform.MustName("/proc/sys/kernel/random/boot_id")
