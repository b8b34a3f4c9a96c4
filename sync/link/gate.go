package link

import (
	"container/list"
	"net"
	"net/netip"
	"sync"
)

// gate limits the connections that have not proved who they are: in all, and
// from one address. When there is one too many the oldest of them goes, not the
// new one, so that who only holds connections open can't keep others out, and
// what has been authenticated is never counted.
type gate struct {
	limit, perAddress int

	mu      sync.Mutex
	waiting list.List // of *entrant, oldest first
	counts  map[netip.Addr]int
}

type entrant struct {
	g    *gate
	conn net.Conn
	addr netip.Addr
	at   *list.Element
}

// enter counts a connection until leave; conn may be closed any time before.
func (g *gate) enter(conn net.Conn) *entrant {
	e := &entrant{g: g, conn: conn, addr: addressOf(conn)}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.counts == nil {
		g.counts = make(map[netip.Addr]int)
	}
	if g.counts[e.addr] >= g.perAddress {
		g.drop(func(o *entrant) bool { return o.addr == e.addr })
	} else if g.waiting.Len() >= g.limit {
		g.drop(func(*entrant) bool { return true })
	}
	e.at = g.waiting.PushBack(e)
	g.counts[e.addr]++
	return e
}

// drop closes the oldest entrant for which which holds. g.mu is held.
func (g *gate) drop(which func(*entrant) bool) {
	for el := g.waiting.Front(); el != nil; el = el.Next() {
		if e := el.Value.(*entrant); which(e) {
			e.conn.Close()
			e.remove()
			return
		}
	}
}

// remove takes e off the list. g.mu is held.
func (e *entrant) remove() {
	if e.at == nil {
		return
	}
	e.g.waiting.Remove(e.at)
	e.at = nil
	if e.g.counts[e.addr]--; e.g.counts[e.addr] == 0 {
		delete(e.g.counts, e.addr)
	}
}

// leave ends the counting and reports whether the connection is still open.
func (e *entrant) leave() bool {
	e.g.mu.Lock()
	defer e.g.mu.Unlock()
	in := e.at != nil
	e.remove()
	return in
}

// addressOf returns the address that a limit goes by: of IPv6 the network of 64
// bits, which is what one host is given.
func addressOf(conn net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	a := ap.Addr().Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}
