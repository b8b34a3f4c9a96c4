package copier

// Result says what became of one file's data.
type Result struct {
	Method   Method     // that moved the last byte
	Bytes    int64      // of the file, holes included
	Moved    int64      // bytes that were copied (not shared, not holes)
	Cloned   int64      // bytes shared with the source
	Matched  int64      // bytes that the basis, or a part left before, had already
	Holes    int64      // bytes of holes at the destination
	Attempts int        // 1, or more if the source changed meanwhile
	Verified bool       // the stored bytes were read back and compared equal
	Refused  [8]Refusal // methods that were tried first and refused
	nrefused int
}

// Refusal says that a method could not copy a pair, and why.
type Refusal struct {
	Method Method
	Err    error
}

// Refusals returns the refusals met, in order.
func (r *Result) Refusals() []Refusal { return r.Refused[:r.nrefused] }

func (r *Result) refused(m Method, err error) {
	if r.nrefused < len(r.Refused) {
		r.Refused[r.nrefused] = Refusal{m, err}
		r.nrefused++
	}
}
