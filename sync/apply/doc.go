// Package apply carries out a run: it owns every goroutine, the queues and the
// totals. What a piece of work does is the Job's own business (package local
// does it on directory descriptors); apply decides who does it and when.
//
// It holds no paths, makes no system calls and prints nothing: what happened
// is told to a Reporter and counted in Counters.
//
//  1. Run starts the workers, pushes the first jobs and waits.
//  2. A worker takes the job pushed last (so that the walk is depth first and
//     the memory held is that of one branch) and runs it; jobs push further
//     jobs.
//  3. Big files go to a queue of their own with workers of their own, so that
//     they hold up no small ones; if it is full, whoever found the file copies
//     it.
//  4. When no job is left and none is running the workers end and Run returns.
//  5. A cancelled context stops jobs at their next chunk; jobs still queued are
//     run all the same, so that they can let go of what they hold.
package apply
