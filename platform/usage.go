package platform

// Usage is what a process or thread used: processor time in nanoseconds, and
// how often it gave the processor up (to wait) or lost it.
type Usage struct {
	User, System           int64
	Voluntary, Involuntary int64
}

// Sub returns what was used between v and u.
func (u Usage) Sub(v Usage) Usage {
	return Usage{u.User - v.User, u.System - v.System, u.Voluntary - v.Voluntary, u.Involuntary - v.Involuntary}
}
