//go:build linux

package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestOdd does odd things with cp and with zccp: they say and do the same, but for what
// the table names.
func TestOdd(t *testing.T) {
	copiertest.Require(t, "root")
	requireGNU(t)
	binary := buildBinary(t)
	for _, c := range oddities {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// t.TempDir is below a directory that only its owner may enter.
			base, err := os.MkdirTemp("", "zccp-odd-")
			must(t, err)
			t.Cleanup(func() { os.RemoveAll(base) })
			must(t, os.Chmod(base, 0o755))
			var said []string
			for i, program := range []string{"cp", binary} {
				dir := filepath.Join(base, []string{"1", "2"}[i])
				must(t, os.Mkdir(dir, 0o755))
				if c.uid != 0 {
					must(t, os.Chown(dir, int(c.uid), int(c.uid)))
				}
				succeed(t, dir, "bash", "-ec", c.setup)
				e := command{args: []string{"bash", "-c", c.script, "bash", program}, dir: dir, uid: c.uid}.run(t)
				said = append(said, spoken(e))
			}
			if c.says != "" {
				said[0] = c.says
			}
			if said[0] != said[1] {
				t.Errorf("cp %.1500s\nzccp %.1500s", said[0], said[1])
			}
			if c.leaves != "" {
				names := strings.Fields(succeed(t, filepath.Join(base, "2"), "find", "-printf", "%P\n").stdout)
				if slices.Sort(names); strings.Join(names, " ") != strings.TrimSpace(c.leaves) {
					t.Errorf("there is %s, want %s", names, c.leaves)
				}
			} else {
				same := copiertest.CompareOptions{Ignore: copiertest.Mtime | copiertest.Atime | copiertest.Allocated}
				report(t, "cp and zccp", copiertest.Diff(filepath.Join(base, "1"), filepath.Join(base, "2"), same))
			}
			report(t, "left over", litter(t, filepath.Join(base, "2")))
		})
	}
}

// oddity is done with a program whose name is in $1.
type oddity struct {
	name, setup, script string
	uid                 uint32
	// leaves are the names that are there afterwards, where cp leaves others: cp gives up
	// a directory as soon as it meets the copy in it, so what it leaves hangs on the order
	// of names, and it leaves parts of files.
	leaves string
	// says is what is said, where cp says something else.
	says string
}

const loops = "mkdir t; ln -s b t/a; ln -s a t/b; ln -s . t/dot; echo 1 >t/f; ln -s nowhere t/n; echo 2 >t/z"

var oddities = []oddity{
	{name: "into itself", setup: "mkdir -p d/s; echo 1 >d/f", script: `"$1" -r d d/new`, leaves: "d d/f d/new d/new/f d/new/s d/s"},
	{name: "into itself deeper", setup: "mkdir -p d/s/t; echo 1 >d/f", script: `"$1" -a d d/s/t/new`, leaves: "d d/f d/s d/s/t d/s/t/new d/s/t/new/f d/s/t/new/s d/s/t/new/s/t"},
	{name: "into itself existing", setup: "mkdir -p d/s; echo 1 >d/f", script: `"$1" -a d d`, leaves: "d d/d d/d/f d/d/s d/f d/s"},
	{name: "into itself a child", setup: "mkdir -p d/s; echo 1 >d/f", script: `"$1" -r d d/s`, leaves: "d d/f d/s d/s/d d/s/d/f d/s/d/s"},
	{name: "into itself from inside", setup: "mkdir -p d/s; echo 1 >d/f", script: `cd d; "$1" -r . new`, leaves: "d d/f d/new d/new/f d/new/s d/s"},
	{name: "into itself exactly", setup: "mkdir -p d/s; echo 1 >d/f", script: `"$1" -rT d d/s`, leaves: "d d/f d/s d/s/f"},
	{name: "into itself by link", setup: "mkdir -p d/s; echo 1 >d/f; ln -s d l", script: `"$1" -r d l/new`, leaves: "d d/f d/new d/new/f d/new/s d/s l", says: "exit code 1\ncannot copy a directory, 'd', into itself, 'l/new'\n"},
	{name: "into itself with another", setup: "mkdir -p a/s d/s", script: `"$1" -r d d; "$1" -r a d d; rm -rf d/d/a`, leaves: "a a/s d d/a d/a/s d/d d/d/s d/s"},
	{name: "into itself with its path", setup: "mkdir -p d/s/t; echo 1 >d/s/f", script: `"$1" -r --parents d/s d/s/t`, leaves: "d d/s d/s/f d/s/t d/s/t/d d/s/t/d/s d/s/t/d/s/f d/s/t/d/s/t d/s/t/d/s/t/d"},
	{name: "onto itself", setup: "mkdir -p d/s; echo 1 >d/f", script: `"$1" -rT d d; "$1" -a d/. d`},

	{name: "one file several times", setup: "mkdir a c e; echo 1 >a/f; ln a/f a/g; ln -s f a/l", script: `"$1" a/f ./a/f a/../a/f a/g a/l c; "$1" -b a/f a/l e; "$1" -b a/f a/f e; "$1" -d a/l a/../a/l e; "$1" --backup=numbered a/l a/l e`},
	{name: "one directory several times", setup: "mkdir -p a/s b d; echo 1 >a/f", script: `"$1" -r a ./a b/../a a// d; "$1" a a d; "$1" -rH a a/. d; "$1" -r --parents a ./a a/s ./a/./s d; "$1" -rb a a d`},
	{name: "one directory under two names", setup: "mkdir -p a/s d; echo 1 >a/f", script: `"$1" -r a a/. d; "$1" -r a/s a d`, leaves: "a a/f a/s d d/a d/a/f d/a/s d/f d/s", says: "exit code 0\n"},
	{name: "over names of one file", setup: "mkdir a b c d; echo 1 >a/f; echo 1 >b/g; echo old >t; ln -s ../t c/f; ln -s ../t c/g; ln t d/f; ln t d/g", script: `"$1" a/f b/g c; echo old >t; "$1" a/f b/g d`},
	{name: "link over what it leads to", setup: "echo 1 >f; ln -s f l; ln -s f k; ln f h; mkdir s d; ln -s ../d/x s/x; echo 2 >d/x", script: `for o in -d -df -dl "-d --remove-destination" -n -l -fl; do "$1" $o l f; "$1" $o f l; "$1" $o l k; "$1" $o l h; done; for o in -a -rL -rf -rH -rHf -rl "-a --remove-destination"; do "$1" $o s/. d; done; "$1" -ab s/. d`},
	{name: "other kinds below an operand with -H", setup: "mkdir s d; ln -s nowhere s/x; echo 2 >d/x; ln d/x d/y; mkfifo s/p; echo 3 >d/p; echo 4 >s/y", script: `"$1" -rH s/. d`},
	{name: "just created", setup: "mkdir a b c; echo 1 >a/f; echo 2 >b/f; echo t >t; ln -s ../t c/f; ln -s ../t a/l; echo 3 >b/l", script: `"$1" a/f b/f c; "$1" -d a/l b/l c; rm t; "$1" -d a/l b/l c; "$1" -lf a/f b/f c; "$1" -sf --remove-destination $PWD/a/f $PWD/b/f c 2>&1 | sed "s,$PWD,,;s/^.*cp: //"; rm c/f`},

	{name: "FIFO in a tree", setup: "mkdir t; echo 1 >t/a; mkfifo -m 640 t/p; echo 2 >t/z", script: `timeout 20 "$1" -r t r; timeout 20 "$1" -a t a`},
	{name: "FIFO with a writer", setup: "mkfifo p", script: `seq 100000 >p & timeout 20 "$1" p out; wait`},
	{name: "FIFO read in a tree", setup: "mkdir t; mkfifo t/p", script: `seq 100000 >t/p & timeout 20 "$1" -r --copy-contents t out; wait`},
	{name: "FIFO as destination", setup: "mkfifo p; seq 100000 >f", script: `cat p >got & timeout 20 "$1" f p; wait`},
	{name: "pipe on stdin", setup: "", script: `seq 100000 | "$1" /dev/stdin out`},
	{name: "file on stdin", setup: "seq 100000 >f", script: `"$1" /dev/stdin out <f; "$1" /dev/fd/0 other <f; "$1" -a /dev/stdin link <f; rm link`},
	{name: "process substitution", setup: "", script: `"$1" <(seq 100000) out; "$1" <(seq 3) <(seq 4) .; "$1" <(true) empty`},
	{name: "stdout", setup: "seq 100000 >f", script: `"$1" f /dev/stdout | cat >got; "$1" f /dev/stdout >other; "$1" f /dev/stdout >>other`},
	{name: "null", setup: "echo 1 >f", script: `"$1" f /dev/null; "$1" /dev/null out; "$1" -a /dev/null node; "$1" -r /dev/null r`},
	{name: "full", setup: "seq 100000 >f", script: `"$1" f /dev/full`},
	{name: "closed descriptors", setup: "seq 100000 >f", script: `"$1" f out <&- >&- 2>&-`},
	{name: "memory", setup: "", script: `"$1" /proc/self/mem out`, leaves: " "},
	{name: "directory that refuses", setup: "", script: `"$1" -r /proc/sys/kernel/random out; chmod -R u+w out; find out -type f -delete`},

	{name: "loops", setup: loops, script: `"$1" -r t r; "$1" -a t a; "$1" t/a x; "$1" -rL t/. y`},
	{name: "loops as operands", setup: loops, script: `"$1" -L t/a t/f t/n t/z .; "$1" -H t/a h; "$1" -rH t/dot d`},
	{name: "loops at the destination", setup: loops, script: `"$1" t/f t/a; "$1" t/f t/n; "$1" t/f t/n/x; "$1" -f t/f t/b; "$1" --remove-destination t/f t/b`},
	{name: "chain of links", setup: "echo 1 >l0; for i in $(seq 45); do ln -s l$((i-1)) l$i; done", script: `"$1" l39 a; "$1" l45 b; "$1" -r l45 c; "$1" l0 l45; "$1" l0 l30`},

	{name: "no permission", setup: "mkdir -p t/shut t/open t/blind; echo 1 >t/f; echo 2 >t/secret; echo 3 >t/shut/g; echo 4 >t/open/h; echo 5 >t/blind/i; ln t/secret t/linked; chmod 0 t/shut t/secret; chmod 311 t/blind", script: `"$1" -r t r; "$1" -a t a`, uid: 65534},
	{name: "no permission to look", setup: "mkdir -p d s; echo 1 >d/f; echo 2 >n; ln -s d/f l; ln -s d/new m; ln -s l s/l; cp -a s r; ln -sf ../l r/l; rm s/l; echo 3 >s/l; ln -s n/x x; chmod 0 d", script: `"$1" -T n l; "$1" -T n m; "$1" -fT n l; "$1" -r s/. r; "$1" -T n x; "$1" -dT n l; chmod 755 d`, uid: 65534},
	{name: "no permission to write", setup: "mkdir d; echo old >d/f; echo old >d/g; chmod 666 d/f; chmod 444 d/g; chmod 755 d; echo new >n", script: `"$1" n d/f; "$1" n d/g; "$1" n d/h; "$1" -f n d/g; "$1" -r n d/f; "$1" -a n d/f; "$1" --remove-destination n d/f`, uid: 65534},
	{name: "directory of another", setup: "mkdir d t; chmod 1777 d; echo old >d/f; chmod 666 d/f; echo new >t/f; echo 1 >t/g", script: `"$1" -r t/. d; "$1" -p t/f d`, uid: 65534},

	{name: "no attributes there", setup: "mkdir n s; echo 1 >s/f; setfattr -n user.a -v 1 s/f", script: `unshare -m bash -c 'mount -t ramfs none n; for o in -a --preserve=all --preserve=xattr "-a --preserve=xattr" "-r --preserve=xattr"; do "$1" $o s/f n; "$1" -r $o s n; done; cat n/f n/s/f' bash "$1"`},

	{name: "no such directory", setup: "echo 1 >f; mkdir d; ln -s x l; mkfifo p", script: `for o in "" -a -l -s; do for s in f d d/. l p f/. none; do [ "$s$o" = p ] || "$1" $o $s no/x; done; done`},
	{name: "relative links elsewhere", setup: "mkdir d; echo 1 >f; echo 2 >'a b'; echo 3 >'x:y'; echo 4 >'#'; echo 5 >\"it's\"; echo 6 >\"$(printf '\\1')\"", script: `"$1" -s f 'a b' ./x:y '#' "it's" $(printf '\1') d`},
	{name: "a directory onto itself otherwise", setup: "mkdir -p a d/a; echo 1 >f", script: `"$1" -rl d .; "$1" -r a d/a d; "$1" -T f .; "$1" -T f d/.; "$1" --parents f new 2>&1 | sed 's/.*cp/cp/'`},

	{name: "names of 255 bytes", setup: "n=$(printf %0255d 7); mkdir t z; echo 1 >t/$n; echo old >z/$n; mkdir t/d; echo 2 >t/d/$n", script: `"$1" -r t/. z; "$1" -a t y; "$1" -r --backup=numbered t/. z; "$1" t/* x/$(printf %0256d 7)`},
	{name: "name of 256 bytes", setup: "echo 1 >f; n=$(printf %0255d 7); echo 2 >$n", script: `n=$(printf %0255d 7); "$1" f $(printf %0256d 7); "$1" -b f $n; "$1" -S $(printf %0250d 7) -b f $n`},
	{name: "paths that are too long", setup: "echo 1 >f; mkdir d", script: `p=$(printf 'd/%.0s' $(seq 2100)); "$1" f $p; "$1" f ${p}x; "$1" $p f; "$1" -r ${p}x f; "$1" -r d ${p}x`},
	{name: "odd operands", setup: "echo 1 >f; mkdir d", script: `"$1" "" x; "$1" f ""; "$1" f x/; "$1" f d/x/; "$1" f/ x; "$1" f/. x; "$1" . y; "$1" f f; "$1" d d`},
}

// spoken is what a command said, in an order that doesn't hang on who was first.
func spoken(e ended) string {
	var list []string
	for line := range strings.Lines(strings.ReplaceAll(e.stderr, "'$'\\''", "")) {
		for _, name := range []string{"cp: ", "zccp: "} {
			if rest, ok := strings.CutPrefix(line, name); ok {
				line = rest
			}
		}
		if !strings.HasPrefix(line, "hint: ") && !strings.HasPrefix(line, "note: ") {
			list = append(list, line)
		}
	}
	slices.Sort(list)
	return "exit code " + string(rune('0'+max(e.code, 0))) + "\n" + e.stdout + strings.Join(list, "")
}

// TestVerifyKeepsAccessTime reads back what was stored where every reading counts.
func TestVerifyKeepsAccessTime(t *testing.T) {
	copiertest.Require(t, "loopfs")
	binary := buildBinary(t)
	dir := copiertest.Mount(t, copiertest.MountOptions{Names: []string{"ext4"}, Options: []string{"strictatime"}})[0].Dir
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	makeData(t, src, 100_000)
	old := time.Unix(1_500_000_000, 123456789)
	must(t, os.Chtimes(src, old, old))
	succeed(t, dir, binary, "-a", "--verify", "src", "dst")
	if e := scan(t, dst).Entries["."]; !e.Atime.Equal(old) || !e.Mtime.Equal(old) {
		t.Errorf("accessed %v, modified %v, want %v", e.Atime, e.Mtime, old)
	}
}
