package wire

// step is how far a peer has got, in what it says.
type step uint8

const (
	starts step = iota // nothing was said
	begun              // Job or Ready
	rooted             // Root
	walked             // WalkEnd
	over               // Done or Finished
)

// part is who may say something.
type part uint8

const (
	client part = 1 << iota
	server
	sender
	receiver
	anyone = client | server
)

// rule says of a type of message whose it is, between which steps it may come,
// and to which step it leads; none for it staying where it is.
type rule struct {
	who      part
	from, to step
	next     step
}

// rules are the table in the package's documentation.
var rules = [typeCount + 1]rule{
	typeJob:   {who: client, from: starts, to: starts, next: begun},
	typeReady: {who: server, from: starts, to: starts, next: begun},

	typeNames:    {who: sender, from: begun, to: walked},
	typeRoot:     {who: sender, from: begun, to: begun, next: rooted},
	typeDir:      {who: sender, from: rooted, to: rooted},
	typeEntries:  {who: sender, from: rooted, to: rooted},
	typeDirEnd:   {who: sender, from: rooted, to: rooted},
	typeWalkEnd:  {who: sender, from: rooted, to: rooted, next: walked},
	typeRefine:   {who: sender, from: rooted, to: walked},
	typeSent:     {who: sender, from: rooted, to: walked},
	typeVerdict:  {who: sender, from: rooted, to: walked},
	typeBatchSum: {who: sender, from: rooted, to: walked},
	typeDone:     {who: sender, from: walked, to: walked, next: over},
	// The stream within the control channel ends with a frame of its own.
	typeChunk: {who: sender, from: begun, to: over},

	typeNeed:      {who: receiver, from: begun, to: begun},
	typeSignature: {who: receiver, from: begun, to: begun},
	typeFine:      {who: receiver, from: begun, to: begun},
	typeReceived:  {who: receiver, from: begun, to: begun},
	typeDirDone:   {who: receiver, from: begun, to: begun},
	typeRemove:    {who: receiver, from: begun, to: begun},
	typeDrop:      {who: receiver, from: begun, to: begun},
	typeFinished:  {who: receiver, from: begun, to: begun, next: over},

	typeProblem: {who: server, from: starts, to: over},
	typeNote:    {who: server, from: starts, to: over},
	typeItem:    {who: server, from: begun, to: over},
	typeTotals:  {who: server, from: begun, to: over},

	typeCredit: {who: anyone, from: begun, to: over},
	typeFatal:  {who: anyone, from: starts, to: over},
	typePing:   {who: anyone, from: starts, to: over},
	typeStop:   {who: anyone, from: starts, to: over},
}

// Order rejects what a peer may not say at that point. It knows the parts and
// the great steps; whether a directory was announced, or a file offered, is for
// those to know who keep them. It is for one goroutine.
type Order struct {
	peer part
	at   step
}

// FromClient returns the Order of what a client says. Its Job tells whether it
// is the sender.
func FromClient() *Order { return &Order{peer: client} }

// FromServer returns the Order of what a server says to the client whose job
// is given.
func FromServer(job *Job) *Order {
	if job.Push {
		return &Order{peer: server | receiver}
	}
	return &Order{peer: server | sender}
}

// Check takes a message, as Reader returned it. The error is a *Violation; after
// one, Check is of no more use.
func (o *Order) Check(msg any) error {
	r := rules[kind(msg)]
	if o.peer&r.who == 0 || o.at < r.from || o.at > r.to {
		return violation("%T comes out of order", msg)
	}
	if r.next != 0 {
		o.at = r.next
	}
	if job, ok := msg.(*Job); ok {
		if job.Push {
			o.peer |= sender
		} else {
			o.peer |= receiver
		}
	}
	return nil
}
