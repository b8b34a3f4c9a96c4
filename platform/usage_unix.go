//go:build unix

package platform

import "golang.org/x/sys/unix"

// OwnUsage returns what the process used so far (getrusage(2)).
func OwnUsage() (Usage, error) { return usageOf(unix.RUSAGE_SELF) }

func usageOf(who int) (Usage, error) {
	var ru unix.Rusage
	if err := unix.Getrusage(who, &ru); err != nil {
		return Usage{}, err
	}
	return Usage{
		User: ru.Utime.Nano(), System: ru.Stime.Nano(),
		Voluntary: int64(ru.Nvcsw), Involuntary: int64(ru.Nivcsw),
	}, nil
}
