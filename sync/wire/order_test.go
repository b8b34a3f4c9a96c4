package wire

import (
	"strings"
	"testing"
)

// said is a message of each type by a short name.
func said() map[string]any {
	m := make(map[string]any)
	for _, s := range samples() {
		if !strings.Contains(s.name, " ") {
			m[s.name] = s.msg
		}
	}
	m["Push"], m["Pull"] = &Job{Push: true}, &Job{}
	return m
}

// TestOrder: whole sessions of both directions pass, from both ends.
func TestOrder(t *testing.T) {
	const sends = "Ping Names Root Chunk Dir Names Entries Sent DirEnd Refine BatchSum Verdict Credit WalkEnd Sent Chunk Verdict Done Chunk Ping"
	const receives = "Credit Need DirDone Signature Need Fine Received Remove Drop Finished Credit Ping"
	for _, c := range []struct {
		order *Order
		said  string
	}{
		{FromClient(), "Push " + sends},
		{FromClient(), "Pull " + receives},
		{FromServer(&Job{Push: true}), "Note Ready Problem Totals Item " + receives + " Totals Problem Item Note"},
		{FromServer(&Job{}), "Problem Ready " + sends + " Totals Item"},
		{FromServer(&Job{}), "Note Fatal"},
		{FromClient(), "Stop"},
	} {
		for i, name := range strings.Fields(c.said) {
			if err := c.order.Check(said()[name]); err != nil {
				t.Errorf("%s\nmessage %d: %v", c.said, i+1, err)
			}
		}
	}
}

// TestDisorder: each message is tried at each step by each peer, and passes just
// where the documentation says so.
func TestDisorder(t *testing.T) {
	// The table in doc.go, once more: whose, and at which steps.
	table := map[string]string{
		"Ready": "server 0", "Names": "sender 123", "Root": "sender 1", "Dir": "sender 2", "Entries": "sender 2",
		"DirEnd": "sender 2", "WalkEnd": "sender 2", "Refine": "sender 23", "Sent": "sender 23", "Verdict": "sender 23",
		"BatchSum": "sender 23", "Chunk": "sender 1234", "Done": "sender 3", "Need": "receiver 1", "Signature": "receiver 1",
		"Fine": "receiver 1", "Received": "receiver 1", "DirDone": "receiver 1", "Remove": "receiver 1", "Drop": "receiver 1", "Finished": "receiver 1",
		"Problem": "server 01234", "Note": "server 01234", "Item": "server 1234", "Totals": "server 1234",
		"Credit": "both 1234", "Fatal": "both 01234", "Ping": "both 01234", "Stop": "both 01234", "Job": "client 0",
	}
	if len(table) != typeCount {
		t.Fatalf("%d types in the table, of %d", len(table), typeCount)
	}
	type peer struct {
		parts string
		steps map[byte]string // what leads to a step
	}
	sends := func(first string) map[byte]string {
		return map[byte]string{'0': "", '1': first, '2': first + " Root", '3': first + " Root WalkEnd", '4': first + " Root WalkEnd Done"}
	}
	receives := func(first string) map[byte]string {
		return map[byte]string{'0': "", '1': first, '4': first + " Finished"}
	}
	for _, p := range []peer{
		{"client sender", sends("Push")}, {"client receiver", receives("Pull")},
		{"server sender", sends("Ready")}, {"server receiver", receives("Ready")},
	} {
		for at, lead := range p.steps {
			for name, rule := range table {
				who, steps, _ := strings.Cut(rule, " ")
				want := (who == "both" || strings.Contains(p.parts, who)) && strings.IndexByte(steps, at) >= 0
				order := FromClient()
				if strings.HasPrefix(p.parts, "server") {
					order = FromServer(&Job{Push: strings.HasSuffix(p.parts, "receiver")})
				}
				for _, before := range strings.Fields(lead) {
					if err := order.Check(said()[before]); err != nil {
						t.Fatalf("%s, %s: %v", p.parts, lead, err)
					}
				}
				if err := order.Check(said()[name]); (err == nil) != want {
					t.Errorf("%s at step %c says %s: %v", p.parts, at, name, err)
				}
			}
		}
	}
	if FromClient().Check("no message") == nil {
		t.Error("what is no message is in order")
	}
}
