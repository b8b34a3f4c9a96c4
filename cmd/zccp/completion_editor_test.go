//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/zccp/zccp/copier/copiertest"
)

// shellUnderTest is a real shell in which the script is loaded.
type shellUnderTest struct {
	dir string // where it is: a new directory
	// offered returns what is offered after line, as the names of files and the words
	// that would be inserted, without quotes and without the blank behind a word.
	offered func(line string) []string
	// completed returns the arguments of line after TAB; nil where the shell is never
	// asked to insert anything.
	completed func(line string) []string
}

// The keys that the shells are given besides TAB. \x15 empties the line in all.
const (
	keyAll  = "\x14" // C-t: insert everything that is offered
	keyLine = "\x07" // C-g: write the line to the file of answers
	keyArgs = "\x0f" // C-o: write what the line means as arguments there
)

// completionSSH stands for ssh(1) to a machine that is this one.
const completionSSH = `#!/bin/sh
for word; do
	case $options$word in
	-oProxyCommand=*) sh -c "${word#*=}" ;;
	--) options=over ;;
	esac
done
exec sh -c "$word"
`

// completionHome makes a home directory in which ssh knows hosts, and a PATH on which
// ssh lists what is here. It returns the variables for the shell.
func completionHome(t *testing.T) []string {
	t.Helper()
	home := t.TempDir()
	for name, text := range map[string]string{
		".ssh/config":      "Host alpha *.pattern\n\tHostName 192.0.2.1\nHost alphabet\n",
		".ssh/known_hosts": "known.example,192.0.2.2 ssh-ed25519 AAAA\n|1|c2FsdA==|aGFzaA== ssh-ed25519 AAAA\n[ported.example]:2022 ssh-ed25519 AAAA\n",
		"bin/evil":         "#!/bin/sh\nexec touch run\n",
		"bin/ssh":          completionSSH,
	} {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"HOME=" + home, "PATH=" + filepath.Join(home, "bin") + ":" + os.Getenv("PATH"),
		"TERM=dumb", "LC_ALL=C.UTF-8", "HISTFILE=", "INPUTRC=/dev/null", "ZDOTDIR=" + home, "XDG_CONFIG_HOME=" + home, "XDG_DATA_HOME=" + home}
}

// eachShell runs use in each shell, bash with the package bash-completion and without,
// all at a time.
func eachShell(t *testing.T, use func(t *testing.T, s *shellUnderTest)) {
	root, err := filepath.Abs(moduleRoot)
	if err != nil {
		t.Fatal(err)
	}
	script := func(name string) string { return filepath.Join(root, "docs", "completion", name) }
	for _, c := range []struct {
		name, needs string
		start       func(t *testing.T) *shellUnderTest
	}{
		{"bash", "bash", func(t *testing.T) *shellUnderTest { return startBash(t, script("zccp.bash"), "") }},
		{"bash-completion", "bash", func(t *testing.T) *shellUnderTest { return startBash(t, script("zccp.bash"), bashLibrary(t)) }},
		{"zsh", "zsh", func(t *testing.T) *shellUnderTest { return startZsh(t, script("_zccp")) }},
		{"fish", "fish", func(t *testing.T) *shellUnderTest { return startFish(t, script("zccp.fish")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			copiertest.Require(t, c.needs)
			use(t, c.start(t))
		})
	}
}

// bashLibrary returns the file of the package bash-completion, which has to be there
// where bash has to.
func bashLibrary(t *testing.T) string {
	const file = "/usr/share/bash-completion/bash_completion"
	if _, err := os.Stat(file); err != nil {
		if strings.Contains(os.Getenv(copiertest.EnvRequire), "bash") {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return file
}

// write makes an empty file where the shell is.
func (s *shellUnderTest) write(t *testing.T, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

// ran reports whether "touch run" was run there since the last call.
func (s *shellUnderTest) ran() bool { return os.Remove(filepath.Join(s.dir, "run")) == nil }

// lineEditor is an interactive shell on a pseudo-terminal that writes answers, each
// ended by a zero byte, to a file.
type lineEditor struct {
	t       *testing.T
	keys    *os.File
	answers string
	read    int // bytes of answers
}

// startEditor starts a shell in dir, which writes an answer when it is ready for keys.
func startEditor(t *testing.T, dir string, vars []string, answers string, argv ...string) *lineEditor {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, vars
	keys, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 100, Cols: 1000})
	if err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for buf := make([]byte, 4096); ; {
			if _, err := keys.Read(buf); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		keys.Close()
		<-drained
	})
	e := &lineEditor{t: t, keys: keys, answers: answers}
	e.answer() // it is ready
	return e
}

// ask sends keys and returns the answer that they cause.
func (e *lineEditor) ask(keys string) string {
	e.t.Helper()
	if _, err := e.keys.WriteString(keys); err != nil {
		e.t.Fatal(err)
	}
	return e.answer()
}

func (e *lineEditor) answer() string {
	e.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		data, err := os.ReadFile(e.answers)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			e.t.Fatal(err)
		}
		if i := bytes.IndexByte(data[min(e.read, len(data)):], 0); i >= 0 {
			answer := string(data[e.read : e.read+i])
			e.read += i + 1
			return answer
		}
	}
	e.t.Fatal("no answer from the shell")
	return ""
}

// offered has everything inserted behind line, and takes it apart.
func (e *lineEditor) offered(line string) []string {
	e.t.Helper()
	before := e.ask("\x15" + line + keyLine)
	after := e.ask(keyAll + keyLine)
	if after == before {
		return nil
	}
	// What is inserted takes the place of the last word, of it all or of what is
	// behind its last = or :, and each word has a blank behind it.
	var words []string
	rest := after[len(before)-len(before[strings.LastIndexByte(before, ' ')+1:]):]
	for _, word := range strings.Split(rest, " ") {
		if word != "" {
			words = append(words, word)
		}
	}
	return words
}

// completed presses TAB behind line.
func (e *lineEditor) completed(line string) []string {
	e.t.Helper()
	answer := e.ask("\x15" + line + "\t" + keyArgs)
	return strings.Split(strings.TrimSuffix(answer, "\x01"), "\x01")
}

// startBash starts bash with the script and, if library is not "", with that before it.
func startBash(t *testing.T, script, library string) *shellUnderTest {
	vars := completionHome(t)
	answers := filepath.Join(t.TempDir(), "answers")
	rc := filepath.Join(t.TempDir(), "rc")
	text := "answer() { printf '%s\\0' \"$1\" >>'" + answers + "'; }\n" +
		"arguments() { local IFS=$'\\1'; answer \"$*\"; }\n"
	if library != "" {
		text += ". " + library + "\n"
	}
	text += ". '" + script + "'; complete -o default -F _zccp cp rsync\n" +
		"bind 'set bell-style none'; bind '\"\\C-t\": insert-completions'\n" +
		"bind -x '\"\\C-g\": answer \"$READLINE_LINE\"'\n" +
		"bind -x '\"\\C-o\": eval \"arguments $READLINE_LINE\"'\n" +
		"PROMPT_COMMAND='answer ready; PROMPT_COMMAND='\n"
	if err := os.WriteFile(rc, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	e := startEditor(t, dir, vars, answers, "bash", "--noprofile", "--rcfile", rc, "-i")
	return &shellUnderTest{dir, e.offered, e.completed}
}

func startZsh(t *testing.T, script string) *shellUnderTest {
	vars := completionHome(t)
	answers := filepath.Join(t.TempDir(), "answers")
	home := strings.TrimPrefix(vars[0], "HOME=")
	// expand-or-complete, which is zsh's own meaning of TAB, expands what was typed
	// before any completion is asked.
	text := "answer() { print -rn -- \"$1\"$'\\0' >>'" + answers + "' }\n" +
		"line() { answer \"$BUFFER\" }\n" +
		"arguments() { local -a words; words=(${(Q)${(z)BUFFER}}); answer \"${(pj:\\1:)words}\" }\n" +
		"fpath=('" + filepath.Dir(script) + "' $fpath); autoload -U compinit; compinit -u -D; compdef _zccp cp rsync\n" +
		"zle -N line; zle -N arguments; zle -C everything complete-word _generic\n" +
		"zstyle ':completion:everything:*' completer _all_matches _complete\n" +
		"zstyle ':completion:everything:*' insert true\n" +
		"bindkey -e; bindkey '^I' complete-word '^T' everything '^G' line '^O' arguments '^U' kill-whole-line\n" +
		"setopt nobeep\n" +
		"ready() { answer ready; zle -D zle-line-init }; zle -N zle-line-init ready\n"
	if err := os.WriteFile(filepath.Join(home, ".zshrc"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	e := startEditor(t, dir, vars, answers, "zsh", "-d", "-i")
	return &shellUnderTest{dir, e.offered, e.completed}
}

// startFish has fish complete lines as it would at a prompt; it quotes what it inserts
// by itself.
func startFish(t *testing.T, script string) *shellUnderTest {
	vars := completionHome(t)
	dir := t.TempDir()
	return &shellUnderTest{dir: dir, offered: func(line string) []string {
		cmd := exec.Command("fish", "--no-config", "-c",
			// A function called ssh makes fish's own completion of hosts look at options.
			"function ssh; command ssh $argv; end; source $argv[1]; complete -C $argv[2]", script, line)
		cmd.Dir, cmd.Env = dir, vars
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var words []string
		for line := range strings.Lines(string(out)) {
			word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			words = append(words, word)
		}
		return words
	}}
}
