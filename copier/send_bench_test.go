//go:build linux

package copier

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/zccp/zccp/platform"
)

// discardVariable says in the environment how many bytes of a connection a
// process throws away before it answers with one byte, again and again.
const discardVariable = "COPIER_TEST_DISCARD"

// TestDiscard is the other end of the benchmarks, in a process of its own: what
// the receiver takes of the processor is not the sender's.
func TestDiscard(t *testing.T) {
	var size int
	if n, err := fmt.Sscan(os.Getenv(discardVariable), &size); n != 1 || err != nil {
		t.Skip("it is run by benchmarks, as a process of its own")
	}
	buf := make([]byte, 4<<20)
	wake := 0
	for {
		for left := size; left > 0; {
			// To be woken for each segment costs the sender more than all copying
			// where a processor interrupts another slowly, as virtual ones do. Near
			// the end there is no more to wait for.
			want := 1
			if left >= 2*wakeSize {
				want = wakeSize
			}
			if want != wake {
				if err := syscall.SetsockoptInt(3, syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, want); err != nil {
					t.Fatal(err)
				}
				wake = want
			}
			// Raw, so that this runtime's watch over blocked calls takes nothing of
			// the two processors that a small machine has.
			n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, 3, uintptr(unsafe.Pointer(&buf[0])), uintptr(min(left, len(buf))), syscall.MSG_TRUNC, 0, 0)
			if errno == syscall.EINTR {
				continue
			}
			if n == 0 || errno != 0 {
				return
			}
			left -= int(n)
		}
		syscall.Write(3, buf[:1])
	}
}

// sendBench is a warm file in memory and a process that discards it.
type sendBench struct {
	sock platform.FD
	src  source
	size int64
}

func newSendBench(b *testing.B, size int64) *sendBench {
	b.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "copier-bench-")
	if err != nil {
		dir = b.TempDir()
	} else {
		b.Cleanup(func() { os.RemoveAll(dir) })
	}
	s := &sendBench{size: size}
	s.src.path = dir + "/src"
	f, err := os.Create(s.src.path)
	if err != nil {
		b.Fatal(err)
	}
	block := noise(16 << 20)
	for left := size; left > 0; left -= int64(len(block)) {
		if _, err := f.Write(block[:min(left, int64(len(block)))]); err != nil {
			b.Fatal(err)
		}
	}
	f.Close()
	s.src.fd = open(b, s.src.path, os.O_RDONLY)
	if err := platform.Native().Fstat(s.src.fd, &s.src.st); err != nil {
		b.Fatal(err)
	}
	x, y := tcpPair(b)
	s.sock = x.fd
	// The timers with which bbr paces what is sent hide what methods differ in.
	if err := platform.SetCongestion(x.fd, "reno"); err != nil {
		b.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestDiscard$")
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%d", discardVariable, size))
	child.ExtraFiles = []*os.File{os.NewFile(uintptr(y.fd), "socket")}
	y.closed = true // by its File
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	child.ExtraFiles[0].Close()
	b.Cleanup(func() {
		x.close()
		child.Wait()
	})
	return s
}

// send sends the file once, waits until it is taken, and returns the wall clock
// time and what this thread took of the processor.
func (s *sendBench) send(b *testing.B, m Method) (wall, cpu time.Duration) {
	w := New(platform.Restarting(platform.Native()), Options{Methods: []Method{m}}, 0).NewWorker()
	w.buffer()
	var res Result
	before, err := platform.ThreadUsage()
	if err != nil {
		b.Skip(err)
	}
	start := time.Now()
	if err := w.Send(b.Context(), s.sock, s.src.fd, &s.src.st, 0, s.size, &res); err != nil {
		b.Fatal(err)
	}
	after, err := platform.ThreadUsage()
	if err != nil {
		b.Fatal(err)
	}
	if n, err := syscall.Read(int(s.sock), make([]byte, 1)); n != 1 {
		b.Fatalf("the receiver is gone: %v", err)
	}
	used := after.Sub(before)
	return time.Since(start), time.Duration(used.User + used.System)
}

const benchSize = 1 << 30

// wakeSize is how much a receiver waits for before it wakes up.
const wakeSize = 256 << 10

func perGB(d time.Duration) float64 { return d.Seconds() * 1e9 / benchSize }

// BenchmarkSend sends a file of 1 GiB that is in memory over loopback TCP.
func BenchmarkSend(b *testing.B) {
	for _, m := range senders {
		b.Run(m.String(), func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			s := newSendBench(b, benchSize)
			s.send(b, m)
			b.SetBytes(benchSize)
			var total time.Duration
			b.ResetTimer()
			for range b.N {
				_, cpu := s.send(b, m)
				total += cpu
			}
			b.ReportMetric(perGB(total)/float64(b.N), "cpu-s/GB")
		})
	}
}

// BenchmarkSendPaired sends it by each method in turn, a different one first in
// each round, and compares the medians with readwrite's.
func BenchmarkSendPaired(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := newSendBench(b, benchSize)
	walls, cpus := map[Method][]time.Duration{}, map[Method][]time.Duration{}
	for round := range b.N + 1 {
		for i := range senders {
			m := senders[(i+round)%len(senders)]
			wall, cpu := s.send(b, m)
			if round > 0 { // the first one warms up
				walls[m], cpus[m] = append(walls[m], wall), append(cpus[m], cpu)
			}
		}
	}
	median := func(list []time.Duration) time.Duration {
		slices.Sort(list)
		return list[len(list)/2]
	}
	plainWall, plainCPU := median(walls[ReadWrite]), median(cpus[ReadWrite])
	b.ReportMetric(0, "ns/op")
	for _, m := range senders {
		wall, cpu := median(walls[m]), median(cpus[m])
		b.ReportMetric(perGB(wall), m.String()+"-s/GB")
		b.ReportMetric(perGB(cpu), m.String()+"-cpu-s/GB")
		b.ReportMetric(wall.Seconds()/plainWall.Seconds(), m.String()+"-wall-ratio")
		b.ReportMetric(cpu.Seconds()/plainCPU.Seconds(), m.String()+"-cpu-ratio")
	}
}
