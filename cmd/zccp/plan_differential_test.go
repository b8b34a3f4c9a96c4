//go:build linux

package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
)

// planScript does what sync does in two steps. It is sync itself where there is no
// plan to carry out, as of a dry run; with -ii, which apply says nothing for of
// what is up to date; with a limit of deletions and backups, of which a dry run,
// as that of rsync, does not know that they keep their directories; and where a
// run would first give itself access to a directory, which a dry one can't.
const planScript = `
zccp=%ZCCP%
for word; do
	case $word in
	-n | --list-only | -ii) exec $zccp sync "$@" ;;
	-b | --max-delete=*) limited=${limited-}$word ;;
	esac
done
case ${limited-} in *-b*--max* | *--max*-b) exec $zccp sync "$@" ;; esac
plan=$(mktemp) || exit 99
trap 'rm -f "$plan"' EXIT
$zccp plan "$@" > "$plan" 2> "$plan.err"
code=$?
case $code in
1 | 2 | 3 | 4 | 11) cat "$plan.err" >&2; rm -f "$plan.err"; exit $code ;;
esac
grep -q 'cannot access .*: Permission denied' "$plan.err" && exec $zccp sync "$@"
rm -f "$plan.err"
cd / && $zccp apply "$plan"
# What could not be planned is not done, and no failure of apply.
applied=$?
[ $applied != 0 ] && exit $applied
exit $code
`

// planCommand returns a command that plans and applies what follows it, with
// flaw run in between.
func planCommand(t *testing.T, binary, flaw string) []string {
	t.Helper()
	dir, err := os.MkdirTemp("", "zccp-plan-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	script := filepath.Join(dir, "plan")
	text := strings.ReplaceAll(planScript, "%ZCCP%", binary)
	text = strings.ReplaceAll(text, "cd / &&", flaw+"\ncd / &&")
	must(t, os.WriteFile(script, []byte(text), 0o644))
	return []string{"sh", script}
}

// TestPlanDifferential runs sync, and plan and apply, with the same generated
// options on two equal generated pairs of trees, and compares what stands there
// afterwards, the lines of -i as a set, and the exit codes. ZCCP_TEST_PLANS is how
// many cases are run; 200 without it.
func TestPlanDifferential(t *testing.T) {
	copiertest.Require(t, "root")
	binary := buildBinary(t)
	cases := countFrom(t, "ZCCP_TEST_PLANS", 200)
	for _, c := range []struct {
		name    string
		options []string
		cases   int
	}{
		// With one worker it is no chance which name of several becomes the first.
		{"one worker", []string{"--allow-mass-delete", "--jobs=1"}, cases},
		// With several, where it is, no lines of -i.
		{"several workers", []string{"--allow-mass-delete", "-q"}, cases / 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := syncDifferential{
				reference: append([]string{binary, "sync"}, c.options...),
				subject:   append(planCommand(t, binary, ""), c.options...),
				seed:      copiertest.Seed(t),
			}
			d.run(t, c.cases, copiertest.FileSystems(t))
		})
	}
}

// TestPlanDifferentialFinds runs the harness with something changed between plan
// and apply: it shows in every case in which there is something to do.
func TestPlanDifferentialFinds(t *testing.T) {
	copiertest.Require(t, "root")
	binary := buildBinary(t)
	for _, c := range []struct{ name, flaw string }{
		{"the source's times", "find src -type f -exec touch {} +"},
		{"no plan", `sed -i '/"op":"none"/!{/"entry"/d}' "$plan"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := syncDifferential{
				reference: []string{binary, "sync", "--allow-mass-delete"},
				subject:   append(planCommand(t, binary, c.flaw), "--allow-mass-delete"),
				seed:      1,
			}
			const cases = 12
			differing := 0
			d.report = func(_ int, found []string) {
				d.mu.Lock()
				defer d.mu.Unlock()
				if len(found) > 0 {
					differing++
				}
			}
			d.run(t, cases, copiertest.FileSystems(t))
			if differing < cases/2 {
				t.Errorf("%d of %d cases differ", differing, cases)
			}
		})
	}
}
