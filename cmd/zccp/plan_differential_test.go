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
// run that is not the superuser's would first give itself access to a directory,
// which a dry one can't.
const planScript = `
zccp=%ZCCP%
%BEGIN%
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
[ $code = 23 ] && [ "$(id -u)" != 0 ] && exec $zccp sync "$@"
rm -f "$plan.err"
cd / && $zccp apply "$plan"
# What could not be planned is not done, and no failure of apply.
applied=$?
[ $applied != 0 ] && exit $applied
exit $code
`

// planCommand returns a command that plans and applies what follows it, with
// begin run first and flaw in between.
func planCommand(t *testing.T, binary, begin, flaw string) []string {
	t.Helper()
	text := strings.NewReplacer("%ZCCP%", binary, "%BEGIN%", begin, "cd / &&", flaw+"\ncd / &&").Replace(planScript)
	return shellCommand(t, text)
}

// shellCommand returns a command that runs text, for any user.
func shellCommand(t *testing.T, text string) []string {
	t.Helper()
	dir, err := os.MkdirTemp("", "zccp-plan-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	script := filepath.Join(dir, "script")
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
		name, begin string
		cases       int
	}{
		// With one worker it is no chance which name of several becomes the first.
		{"one worker", `set -- --allow-mass-delete --jobs=1 "$@"`, cases},
		// With several it is, and which directories are written to hangs on it.
		{"several workers", `set -- --allow-mass-delete "$@" --no-hard-links`, cases / 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := syncDifferential{
				reference: shellCommand(t, c.begin+"\nexec "+binary+` sync "$@"`),
				subject:   planCommand(t, binary, c.begin, ""),
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
				subject:   append(planCommand(t, binary, "", c.flaw), "--allow-mass-delete"),
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
