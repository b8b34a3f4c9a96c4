//go:build linux

package main_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	main "github.com/zccp/zccp/cmd/zccp"
	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/sync/wire"
)

// The tests of this file and of those beside it whose names begin with a letter and a number
// have them from a list of failures that bit other tools: H are local attackers, I are remote
// peers. TestFailureClasses tells which tests there are of each.

// hostileCase is a synchronisation with a peer that is hostile, beside a directory that has
// nothing to do with it.
type hostileCase struct {
	*tamperer
	dir     string // with src, dst and outside
	outside *copiertest.Tree
}

// Names in the source that tests put others in place of.
const (
	hostileFile = "FILE-NAME"
	hostileDir  = "DIRE-NAME"
	hostileLink = "LINK-NAME"
	hostileGoal = "LINK-GOAL"
)

func newHostileCase(t *testing.T, binary string) *hostileCase {
	t.Helper()
	h := &hostileCase{tamperer: startTamperer(t, binary)}
	h.prepare(t)
	return h
}

// prepare makes the directories anew.
func (h *hostileCase) prepare(t *testing.T) {
	t.Helper()
	h.dir = t.TempDir()
	for _, dir := range []string{"src/" + hostileDir, "dst", "outside/sub"} {
		must(t, os.MkdirAll(h.path(dir), 0o755))
	}
	for name, text := range map[string]string{
		"src/" + hostileFile: "hostile", "src/" + hostileDir + "/inner": "inner", "src/last": "last",
		"src/big":      strings.Repeat("0123456789abcdef", 20000),
		"outside/FILE": "outside", "outside/sub/secret": "SECRET-CANARY",
	} {
		must(t, os.WriteFile(h.path(name), []byte(text), 0o644))
	}
	must(t, os.Symlink(hostileGoal, h.path("src/"+hostileLink)))
	h.outside = scan(t, h.path("outside"))
}

func (h *hostileCase) path(name string) string { return filepath.Join(h.dir, name) }

// run synchronises src with dst: pull has src at the far end, else dst is there. It returns how
// the receiver ended, which is the client of a pull.
func (h *hostileCase) run(t *testing.T, pull bool, args ...string) (code int, stderr string) {
	t.Helper()
	src, dst := h.path("src")+"/", h.path("dst")+"/"
	if pull {
		src = main.SSHHostName + ":" + src
	} else {
		dst = main.SSHHostName + ":" + dst
	}
	e := command{args: slices.Concat([]string{h.binary, "sync", "-a"}, args, h.options, []string{src, dst}), dir: h.dir, weigh: true}.run(t)
	server, said, peak := h.result()
	h.check(t, "client", e.code, e.stderr, e.peak)
	h.check(t, "server", server, said, peak)
	if pull {
		return e.code, e.stderr
	}
	return server, said
}

// mostHostileMemory bounds what a session may make of small trees, whatever its peer says.
const mostHostileMemory = 256 << 20

// check looks at one end after a session.
func (h *hostileCase) check(t *testing.T, who string, code int, stderr string, peak int64) {
	t.Helper()
	for _, bad := range []string{"panic", "goroutine ", "internal error", "SECRET-CANARY"} {
		if strings.Contains(stderr, bad) {
			t.Errorf("%s: %.3000s", who, stderr)
		}
	}
	if code < 0 && !h.stalled || code == 70 || code == 2 {
		t.Errorf("%s: exit code %d: %.2000s", who, code, stderr)
	}
	if peak > mostHostileMemory {
		t.Errorf("%s: %d MiB of memory", who, peak>>20)
	}
	report(t, who+": outside", copiertest.Compare(h.outside, scan(t, h.path("outside")), copiertest.CompareOptions{Ignore: copiertest.Atime}))
	for _, name := range []string{"pwned", "src/pwned", "etc"} {
		if _, err := os.Lstat(h.path(name)); err == nil {
			t.Errorf("%s: %s is there", who, name)
		}
	}
}

// senderIs is the direction of what the sender says.
func senderIs(pull bool) int {
	if pull {
		return fromServer
	}
	return fromClient
}

// eachRole runs a test with a hostile sender that is the client, and with one that is the
// server.
func eachRole(t *testing.T, test func(t *testing.T, h *hostileCase, pull bool)) {
	t.Helper()
	binary := buildBinary(t)
	for _, pull := range []bool{false, true} {
		t.Run(map[bool]string{false: "push", true: "pull"}[pull], func(t *testing.T) {
			test(t, newHostileCase(t, binary), pull)
		})
	}
}

// TestHostileNobody lets the peers alone: what the other tests find is not the harness.
func TestHostileNobody(t *testing.T) {
	eachRole(t, func(t *testing.T, h *hostileCase, pull bool) {
		kinds := map[string]int{}
		h.edit = func(direction, number int, frame tampered) []byte {
			kinds[fmt.Sprintf("%d %T", direction, frame.msg)]++
			return frame.raw
		}
		if code, stderr := h.run(t, pull); code != 0 {
			t.Errorf("exit code %d: %s", code, stderr)
		}
		report(t, "dst", copiertest.Diff(h.path("src"), h.path("dst"), copiertest.CompareOptions{Ignore: copiertest.Atime}))
		t.Log(kinds)
	})
}

// isListing reports whether a message tells of names, which a Job does not: its paths are
// those of the test's own directory, which is called after the test.
func isListing(msg any) bool {
	switch msg.(type) {
	case *wire.Entries, *wire.Dir, *wire.DirEnd:
		return true
	}
	return false
}

// TestHostileI13 has names in listings that lead elsewhere: the refusal is the one of an attack,
// whatever else such a listing breaks.
func TestHostileI13(t *testing.T) {
	names := []string{"../../pwn", "/tmp/pwne", "..\x00......", "a/b/c/d/e", "pwned/../", "\x00\x00\x00\x00\x00\x00\x00\x00\x00", "pwned\x00abc", "//////pwn", "./../pwne"}
	eachRole(t, func(t *testing.T, h *hostileCase, pull bool) {
		for _, victim := range []string{hostileFile, hostileDir, hostileLink} {
			for _, name := range names {
				t.Run(fmt.Sprintf("%s %q", victim, name), func(t *testing.T) {
					h.prepare(t)
					hit := false
					h.edit = func(direction, _ int, frame tampered) []byte {
						if direction != senderIs(pull) || !isListing(frame.msg) {
							return frame.raw
						}
						raw, found := frame.replaced(t, victim, name)
						hit = hit || found
						return raw
					}
					if code, stderr := h.run(t, pull); code != 43 {
						t.Errorf("exit code %d: %s", code, stderr)
					}
					if !hit {
						t.Error("the name was not told")
					}
				})
			}
		}
	})
}

// TestHostileI12 calls an entry of the listing "." and "..", which would be the destination
// itself and its parent.
func TestHostileI12(t *testing.T) {
	eachRole(t, func(t *testing.T, h *hostileCase, pull bool) {
		for _, name := range []string{".", ".."} {
			for _, kind := range []string{"file", "directory"} {
				t.Run(kind+" "+name, func(t *testing.T) {
					h.prepare(t)
					stand := strings.Repeat("\xfd", len(name))
					if kind == "file" {
						must(t, os.WriteFile(h.path("src/"+stand), nil, 0o777))
					} else {
						must(t, os.Mkdir(h.path("src/"+stand), 0o777))
					}
					must(t, os.Chmod(h.path("dst"), 0o700))
					hit := false
					h.edit = func(direction, _ int, frame tampered) []byte {
						if direction != senderIs(pull) || !isListing(frame.msg) {
							return frame.raw
						}
						raw, found := frame.replaced(t, stand, name)
						hit = hit || found
						return raw
					}
					if code, stderr := h.run(t, pull); code != 43 {
						t.Errorf("exit code %d: %s", code, stderr)
					}
					if !hit {
						t.Error("the name was not told")
					}
					if info, err := os.Stat(h.dir); err != nil || info.Mode().Perm()&0o022 != 0 {
						t.Errorf("the parent has mode %v", info.Mode())
					}
				})
			}
		}
	})
}

// TestHostileI11 pulls one name and gets another one.
func TestHostileI11(t *testing.T) {
	h := newHostileCase(t, buildBinary(t))
	for _, c := range []struct{ source, old, new string }{
		{"src/" + hostileFile, hostileFile, "pwned-now"},
		{"src/" + hostileDir, hostileDir, "pwned-now"},
		{"src/" + hostileLink, hostileLink, "pwned-now"},
	} {
		t.Run(c.source, func(t *testing.T) {
			h.prepare(t)
			h.edit = func(direction, _ int, frame tampered) []byte {
				raw := frame.raw
				if direction == fromServer {
					raw, _ = frame.replaced(t, c.old, c.new)
				}
				return raw
			}
			args := slices.Concat([]string{h.binary, "sync", "-a"}, h.options, []string{main.SSHHostName + ":" + h.path(c.source), h.path("dst") + "/"})
			e := command{args: args, dir: h.dir}.run(t)
			if e.code == 0 {
				t.Errorf("exit code 0: %s", e.stderr)
			}
			if _, err := os.Lstat(h.path("dst/" + c.new)); err == nil {
				t.Errorf("%s was asked for, and %s came", c.old, c.new)
			}
			h.check(t, "client", e.code, e.stderr, 0)
		})
	}
}

// TestHostileI11Content sends the content of files that nobody asked for.
func TestHostileI11Content(t *testing.T) {
	eachRole(t, func(t *testing.T, h *hostileCase, pull bool) {
		for _, id := range []wire.FileID{{Dir: 0, Index: 77}, {Dir: 9, Index: 0}, {Dir: 1 << 31, Index: 1 << 31}} {
			t.Run(fmt.Sprint(id), func(t *testing.T) {
				h.prepare(t)
				done := false
				h.edit = func(direction, _ int, frame tampered) []byte {
					if _, ok := frame.msg.(*wire.Chunk); !ok || direction != senderIs(pull) || done {
						return frame.raw
					}
					done = true
					var batch wire.BatchWriter
					room, _ := batch.Add(id, 5, wire.Time{Sec: 1})
					copy(room, "pwned")
					return append(encoded(t, &wire.Chunk{Data: batch.Frame(0)}), frame.raw...)
				}
				if code, stderr := h.run(t, pull); code != 12 {
					t.Errorf("exit code %d: %s", code, stderr)
				}
				if !done {
					t.Error("nothing was sent")
				}
			})
		}
	})
}

// TestHostileI14 changes where a symbolic link leads after the sender has looked at it: the
// receiver holds to --safe-links by itself.
func TestHostileI14(t *testing.T) {
	eachRole(t, func(t *testing.T, h *hostileCase, pull bool) {
		for _, c := range []struct{ option, goal string }{
			{"--safe-links", "../../out"}, {"--safe-links", "/etc/hack"}, {"--safe-links", hostileDir[:2] + "/../../"},
		} {
			t.Run(c.option+" "+c.goal, func(t *testing.T) {
				h.prepare(t)
				h.edit = func(direction, _ int, frame tampered) []byte {
					raw := frame.raw
					if direction == senderIs(pull) {
						raw, _ = frame.replaced(t, hostileGoal, c.goal[:9])
					}
					return raw
				}
				h.run(t, pull, c.option)
				if target, err := os.Readlink(h.path("dst/" + hostileLink)); err == nil {
					t.Errorf("there is a link to %q", target)
				}
			})
		}
	})
}

// TestHostileI01 writes 0xff over parts of the messages of an honest session, and cuts and
// lengthens them: nothing crashes, nothing takes memory that the bytes don't, and nothing
// outside changes. ZCCP_TEST_HOSTILES is how often; 60 without it.
func TestHostileI01(t *testing.T) {
	seed := copiertest.Seed(t)
	count := countFrom(t, "ZCCP_TEST_HOSTILES", 60)
	eachRole(t, func(t *testing.T, h *hostileCase, pull bool) {
		rng := rand.New(rand.NewPCG(seed, uint64(senderIs(pull))))
		frames := [2]int{12, 12}
		codes := map[int]int{}
		for n := range count / 2 {
			h.prepare(t)
			direction, number := rng.IntN(2), 0
			number = rng.IntN(frames[direction])
			kind, at, length := rng.IntN(4), rng.Float64(), 1+rng.IntN(10)
			last := [2]int{}
			what := ""
			var mu sync.Mutex
			h.edit = func(d, i int, frame tampered) []byte {
				mu.Lock()
				defer mu.Unlock()
				last[d] = i + 1
				if d != direction || i != number {
					return frame.raw
				}
				raw := slices.Clone(frame.raw)
				from := int(at * float64(len(raw)))
				to := min(len(raw), from+length)
				switch kind {
				case 0, 1:
					for j := from; j < to; j++ {
						raw[j] = 0xff
					}
				case 2: // a length that is right, of a body that lacks something
					raw = slices.Delete(raw, max(from, min(6, len(raw))), max(to, min(6, len(raw))))
					binary.LittleEndian.PutUint32(raw, uint32(len(raw)-6))
				case 3:
					raw = append(raw, bytes.Repeat([]byte{0xff}, length)...)
					binary.LittleEndian.PutUint32(raw, uint32(len(raw)-6))
				}
				what = fmt.Sprintf("%T, kind %d, bytes %d to %d of %d", frame.msg, kind, from, to, len(frame.raw))
				return raw
			}
			code, stderr := h.run(t, pull)
			codes[code]++
			if t.Failed() {
				t.Fatalf("run %d, direction %d, message %d, %s: exit code %d: %s", n, direction, number, what, code, stderr)
			}
			for d := range frames {
				frames[d] = max(4, last[d])
			}
		}
		t.Logf("exit codes of the receiver and how often: %v", codes)
	})
}

// TestHostileI04 tells three messages in every other order, and each of them twice.
func TestHostileI04(t *testing.T) {
	orders := [][]int{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}, {0, 0, 1, 2}, {0, 1, 1, 2}, {0, 1, 2, 2}}
	eachRole(t, func(t *testing.T, h *hostileCase, pull bool) {
		for first := range 6 {
			for _, order := range orders {
				t.Run(fmt.Sprintf("%d %v", first, order), func(t *testing.T) {
					h.prepare(t)
					var held [][]byte
					h.edit = func(direction, number int, frame tampered) []byte {
						if direction != senderIs(pull) || number < first || number > first+2 {
							return frame.raw
						}
						if held = append(held, frame.raw); len(held) < 3 {
							return nil
						}
						var all []byte
						for _, i := range order {
							all = append(all, held[i]...)
						}
						return all
					}
					code, stderr := h.run(t, pull, "--timeout=2")
					if code == 0 {
						report(t, "dst", copiertest.Diff(h.path("src"), h.path("dst"), copiertest.CompareOptions{Ignore: copiertest.Atime}))
					} else if pull && stderr == "" {
						t.Errorf("exit code %d, and nothing is said", code)
					}
				})
			}
		}
	})
}

// TestHostileI10 floods with small messages, and claims more than comes.
func TestHostileI10(t *testing.T) {
	eachRole(t, func(t *testing.T, h *hostileCase, pull bool) {
		inject := func(bytes []byte) {
			h.edit = func(direction, number int, frame tampered) []byte {
				if direction == senderIs(pull) && number == 3 {
					return append(bytes, frame.raw...)
				}
				return frame.raw
			}
		}
		t.Run("a million pings", func(t *testing.T) {
			h.prepare(t)
			inject(bytes.Repeat(encoded(t, &wire.Ping{}), 1_000_000))
			if code, stderr := h.run(t, pull); code != 0 {
				t.Errorf("exit code %d: %s", code, stderr)
			}
		})
		t.Run("a million empty chunks", func(t *testing.T) {
			h.prepare(t)
			inject(bytes.Repeat([]byte{1, 0, 0, 0, 29, 0, 0}, 1_000_000))
			h.run(t, pull)
		})
		t.Run("unknown message", func(t *testing.T) {
			h.prepare(t)
			inject([]byte{0, 0, 0, 0, 222, 0})
			if code, stderr := h.run(t, pull); code != 12 {
				t.Errorf("exit code %d: %s", code, stderr)
			}
		})
		t.Run("unknown message to be skipped", func(t *testing.T) {
			h.prepare(t)
			inject([]byte{0, 0, 0, 0, 222, 1})
			if code, stderr := h.run(t, pull); code != 0 {
				t.Errorf("exit code %d: %s", code, stderr)
			}
		})
		for _, length := range []uint32{1<<32 - 1, 1 << 31, 1<<31 - 1, 64 << 20} {
			t.Run(fmt.Sprintf("a message of %d bytes", length), func(t *testing.T) {
				h.prepare(t)
				inject(append(binary.LittleEndian.AppendUint32(nil, length), 5, 0, 1, 2, 3))
				if code, stderr := h.run(t, pull); code != 12 {
					t.Errorf("exit code %d: %s", code, stderr)
				}
			})
		}
		t.Run("files of 16 TiB", func(t *testing.T) {
			h.prepare(t)
			h.edit = func(direction, _ int, frame tampered) []byte {
				m, ok := frame.msg.(*wire.Entries)
				if direction != senderIs(pull) || !ok {
					return frame.raw
				}
				for i := range m.Items {
					m.Items[i].Attr.Size = 16 << 40
				}
				return encoded(t, m)
			}
			h.run(t, pull, "--timeout=5")
			if out := succeed(t, h.dir, "du", "-sk", "dst").stdout; !strings.HasPrefix(out, "0") && len(strings.Fields(out)[0]) > 4 {
				t.Errorf("the claim took space: %s", out)
			}
		})
	})
}
