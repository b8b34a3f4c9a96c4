package main

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// words splits a command line at blanks. ” is an empty argument.
func words(line string) []string {
	args := strings.Fields(line)
	for i, a := range args {
		if a == "''" {
			args[i] = ""
		}
	}
	return args
}

// TestNormalise gives command lines and what they mean: the options in order,
// then the operands behind "--". A want that begins with "error: " is the
// first line of the message. The GNU messages were taken from cp 9.1.
func TestNormalise(t *testing.T) {
	table := newOptionTable(copyFlags())
	cases := []struct{ line, want string }{
		{"", "--"},
		{"a b", "-- a b"},
		{"-", "-- -"},
		{"- -", "-- - -"},
		{"''", "-- ''"},
		{"-- a", "-- a"},
		{"--", "--"},
		{"-- -- a", "-- -- a"},
		{"-- -a --nope", "-- -a --nope"},
		{"a -- -v", "-- a -v"},
		{"a -v -- -v --", "--verbose -- a -v --"},

		{"-a a b", "--archive -- a b"},
		{"a b -a", "--archive -- a b"},
		{"a -a b", "--archive -- a b"},
		{"a b --dry-run", "--dry-run -- a b"},
		{"-av a b", "--archive --verbose -- a b"},
		{"-avT a b", "--archive --verbose --no-target-directory -- a b"},
		{"-avt dir a", "--archive --verbose --target-directory=dir -- a"},
		{"-avtdir a", "--archive --verbose --target-directory=dir -- a"},
		{"-tdir a", "--target-directory=dir -- a"},
		{"-t dir a", "--target-directory=dir -- a"},
		{"-t -v a", "--target-directory=-v -- a"},
		{"-t -- a", "--target-directory=-- -- a"},
		{"-t=dir a", "--target-directory==dir -- a"},
		{"-tSv a", "--target-directory=Sv -- a"},
		{"-S '' a", "--suffix= -- a"},
		{"-S.bak a", "--suffix=.bak -- a"},
		{"-j4 a b", "--jobs=4 -- a b"},
		{"-j 4 a b", "--jobs=4 -- a b"},
		{"--jobs=4 a b", "--jobs=4 -- a b"},
		{"--jobs 4 a b", "--jobs=4 -- a b"},
		{"-rj4 a b", "--recursive --jobs=4 -- a b"},
		{"-r -R --recursive", "--recursive --recursive --recursive --"},
		{"-vvv", "--verbose --verbose --verbose --"},
		{"-bdpHZ", "-b -d -p -H -Z --"},
		{"-g a b", "--progress -- a b"},
		{"-gv a b", "--progress --verbose -- a b"},
		{"-u older", "--update -- older"},
		{"-uv", "--update --verbose --"},

		{"--target-directory=dir a", "--target-directory=dir -- a"},
		{"--target-directory dir a", "--target-directory=dir -- a"},
		{"--target-directory= a", "--target-directory= -- a"},
		{"--suffix --", "--suffix=-- --"},
		{"--suffix -v a", "--suffix=-v -- a"},
		{"--suffix=a=b", "--suffix=a=b --"},
		{"--update", "--update --"},
		{"--update=none", "--update=none --"},
		{"--update none", "--update -- none"},
		{"--update=", "--update= --"},
		{"--backup=t --backup", "--backup=t --backup --"},
		{"--reflink a b", "--reflink -- a b"},
		{"--reflink=never", "--reflink=never --"},
		{"--preserve --preserve=links", "--preserve --preserve=links --"},
		{"--context --context=x", "--context --context=x --"},
		{"--progress --progress=plain", "--progress --progress=plain --"},
		{"--verify --verify=blake3", "--verify --verify=blake3 --"},
		{"--fsync --fsync=batch", "--fsync --fsync=batch --"},

		{"--verb", "--verbose --"},
		{"--arch", "--archive --"},
		{"--pres", "--preserve --"},
		{"--pre=mode", "--preserve=mode --"},
		{"--no-p=mode", "--no-preserve=mode --"},
		{"--su=x", "--suffix=x --"},
		{"--pa", "--parents --"},
		{"--path", "--path --"},
		{"--pat", "--path --"},
		{"--path=ssh", "--path=ssh --"},
		{"--context=x --con", "--context=x --context --"},
		{"--jo 3", "--jobs=3 --"},
		{"--dr", "--dry-run --"},
		// One of cp's and some of zccp's own: cp's, for old scripts.
		{"--f --i --st --at --b", "--force --interactive --strip-trailing-slashes --attributes-only --backup --"},
		{"--in", "--interactive --"},
		{"--inp", "--inplace --"},
		{"--l", "--link --"},

		{"--nope a", "error: unrecognized option '--nope'"},
		{"--nope=3 a", "error: unrecognized option '--nope=3'"},
		{"---", "error: unrecognized option '---'"},
		{"--R", "error: unrecognized option '--R'"},
		{"-y a", "error: invalid option -- 'y'"},
		{"-ay", "error: invalid option -- 'y'"},
		{"-a-", "error: invalid option -- '-'"},
		{"-d5", "error: invalid option -- '5'"},
		{"-archive", "error: invalid option -- 'c'"},
		{"-S", "error: option requires an argument -- 'S'"},
		{"-aS", "error: option requires an argument -- 'S'"},
		{"a -t", "error: option requires an argument -- 't'"},
		{"--suffix", "error: option '--suffix' requires an argument"},
		{"--suf", "error: option '--suffix' requires an argument"},
		{"--verbose=3", "error: option '--verbose' doesn't allow an argument"},
		{"--verb=3", "error: option '--verbose' doesn't allow an argument"},
		{"--verbose=", "error: option '--verbose' doesn't allow an argument"},
		{"--re", "error: option '--re' is ambiguous; possibilities: '--recursive' '--remove-destination' '--reflink' '--remote' '--remote-zccp'"},
		{"--re=x", "error: option '--re=x' is ambiguous; possibilities: '--recursive' '--remove-destination' '--reflink' '--remote' '--remote-zccp'"},
		{"--ver", "error: option '--ver' is ambiguous; possibilities: '--verbose' '--version' '--verify'"},
		{"--de", "error: option '--de' is ambiguous; possibilities: '--dereference' '--debug'"},
	}
	if len(cases) < 60 {
		t.Fatalf("only %d command lines", len(cases))
	}
	for _, c := range cases {
		t.Run(c.line, func(t *testing.T) {
			got, err := table.normalise(words(c.line), false)
			if text, bad := strings.CutPrefix(c.want, "error: "); bad {
				if err == nil || err.Error() != text {
					t.Errorf("error %v\nwant  %s", err, text)
				}
				return
			}
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			if diff := cmp.Diff(words(c.want), got.canonical()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestNormalisePosix(t *testing.T) {
	table := newOptionTable(copyFlags())
	got, err := table.normalise(words("-v a -q --nope -- b"), true)
	if err != nil {
		t.Fatal(err)
	}
	want := words("--verbose -- a -q --nope -- b")
	if !reflect.DeepEqual(got.canonical(), want) {
		t.Errorf("got %q, want %q", got.canonical(), want)
	}
}

// TestNormaliseKeepsWhatCameBefore: cp obeys --help although a mistake follows.
func TestNormaliseKeepsWhatCameBefore(t *testing.T) {
	got, err := newOptionTable(copyFlags()).normalise(words("-v --help --nope"), false)
	if err == nil || len(got.Settings) != 2 || got.Settings[1].Option != "help" {
		t.Errorf("got %v, %v", got, err)
	}
}

// FuzzNormalise: whatever is typed, no panic; the result means the same when
// read again; operands are arguments of the input, byte for byte and in order;
// what follows the first "--" that is no value is an operand.
func FuzzNormalise(f *testing.F) {
	for _, line := range []string{
		"-avT a b", "a\x00-j4\x00--\x00-x", "--suffix\x00--\x00--", "--pre=mode\x00-", "-S\x00\xff\x00--\x00\xff\xfe",
		"--\x00--help", "-uv\x00--update=none\x00a", "--=3", "-\x00-\xc3\xa9", "--backup\x00=\x00--b=",
	} {
		f.Add(line, false)
		f.Add(line, true)
	}
	table := newOptionTable(copyFlags())
	f.Fuzz(func(t *testing.T, line string, posix bool) {
		args := strings.Split(line, "\x00")
		given := append([]string(nil), args...)
		got, err := table.normalise(args, posix)
		if !reflect.DeepEqual(args, given) {
			t.Fatalf("input changed to %q", args)
		}
		rest := args
		for _, op := range got.Operands {
			i := 0
			for i < len(rest) && rest[i] != op {
				i++
			}
			if i == len(rest) {
				t.Fatalf("operand %q is none of the arguments left, %q", op, rest)
			}
			rest = rest[i+1:]
		}
		if err != nil {
			if _, ok := err.(*usageError); !ok {
				t.Fatalf("error is a %T", err)
			}
			return
		}
		again, err := table.normalise(got.canonical(), posix)
		if err != nil {
			t.Fatalf("%q is refused: %v", got.canonical(), err)
		}
		if !reflect.DeepEqual(again.canonical(), got.canonical()) {
			t.Fatalf("%q\nread again is\n%q", got.canonical(), again.canonical())
		}
		// Behind the end of options everything is an operand. Put one there:
		// it must be the only thing that changes.
		tail := []string{"--", "-a", "--help", "--nope=1"}
		more, err := table.normalise(append(append([]string(nil), args...), tail...), posix)
		if err != nil {
			t.Fatalf("with %q at the end: %v", tail, err)
		}
		if !reflect.DeepEqual(more.Settings, got.Settings) {
			t.Fatalf("arguments behind -- became options: %v", more.Settings)
		}
	})
}
