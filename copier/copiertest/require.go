package copiertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// EnvRequire is the environment variable with the abilities, separated by commas, that
// have to be there: a test that lacks one of them fails and is not skipped.
const EnvRequire = "ZCCP_TEST_REQUIRE"

// Require skips the test, with the reason, when this machine lacks the ability, and fails
// it when [EnvRequire] lists the ability. The abilities are
//
//	root    the effective user is 0
//	loopfs  loop devices can be set up and ext4, xfs and btrfs be made on them
//	strace  strace(1) is installed
//	rsync   rsync(1) is installed
//	bash    bash(1) is installed, and zsh, fish and mandoc likewise
//	sshd    ssh(1), ssh-keygen(1) and sshd(8) are installed
//	fuse    /dev/fuse can be opened
//
// A name that is none of these fails the test.
func Require(t testing.TB, ability string) {
	t.Helper()
	reason := missing(ability)
	switch {
	case reason == "":
	case !known(ability), required(ability):
		t.Fatalf("%s: %s", ability, reason)
	default:
		t.Skipf("%s: %s", ability, reason)
	}
}

// missing returns why the ability is not there, or "".
func missing(ability string) string {
	switch ability {
	case "root":
		if os.Geteuid() != 0 {
			return "the effective user is not 0"
		}
	case "loopfs":
		return missingLoop()
	case "strace", "rsync", "bash", "zsh", "fish", "mandoc":
		if _, err := exec.LookPath(ability); err != nil {
			return err.Error()
		}
	case "sshd":
		for _, tool := range []string{"ssh", "ssh-keygen", "sshd"} {
			if _, err := systemTool(tool); err != nil {
				return err.Error()
			}
		}
	case "fuse":
		f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
		if err != nil {
			return err.Error()
		}
		f.Close()
	default:
		return "no such ability"
	}
	return ""
}

func known(ability string) bool {
	switch ability {
	case "root", "loopfs", "strace", "rsync", "bash", "zsh", "fish", "mandoc", "sshd", "fuse":
		return true
	}
	return false
}

// required tells whether EnvRequire lists the ability.
func required(ability string) bool {
	for name := range strings.SplitSeq(os.Getenv(EnvRequire), ",") {
		if strings.TrimSpace(name) == ability {
			return true
		}
	}
	return false
}

func missingLoop() string {
	if runtime.GOOS != "linux" {
		return "loop devices are Linux's"
	}
	if reason := missing("root"); reason != "" {
		return reason
	}
	for _, tool := range []string{"mount", "umount", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs"} {
		if _, err := systemTool(tool); err != nil {
			return err.Error()
		}
	}
	f, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return err.Error()
	}
	f.Close()
	return ""
}

// systemTool is exec.LookPath that also looks where Debian keeps the tools of root, which
// the PATH of a user who became root by su(1) lacks.
func systemTool(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed", name)
}
