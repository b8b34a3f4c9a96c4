package wire

import (
	"bytes"
	"math"
	"slices"

	"pgregory.net/rapid"
)

// Generators of everything that may be said, up to its limits but for lists,
// which are kept short.

func genName() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		size := rapid.SampledFrom([]int{4, 20, MaxName}).Draw(t, "longest")
		b := rapid.SliceOfN(rapid.Byte(), 1, size).Draw(t, "name")
		for i := range b {
			if b[i] == '/' || b[i] == 0 {
				b[i] = '_'
			}
		}
		if !ValidName(b) {
			b[0] = 'x'
		}
		return b
	})
}

// genBytes is nil or up to n bytes without NUL.
func genBytes(n int) *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		b := rapid.SliceOfN(rapid.ByteRange(1, 255), 0, n).Draw(t, "bytes")
		if len(b) == 0 {
			return nil
		}
		return b
	})
}

func genText() *rapid.Generator[string] { return rapid.StringN(0, 40, -1) }

func genSize() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64Range(0, 300), rapid.Int64Range(0, math.MaxInt64))
}

func genTime() *rapid.Generator[Time] {
	return rapid.Custom(func(t *rapid.T) Time {
		return Time{
			Sec:  rapid.OneOf(rapid.Just(int64(0)), rapid.Int64(), rapid.Int64Range(1.7e9, 1.8e9)).Draw(t, "sec"),
			Nsec: rapid.OneOf(rapid.Just(uint32(0)), rapid.Uint32Range(0, 999999999)).Draw(t, "nsec"),
		}
	})
}

func genAttr(kinds ...uint32) *rapid.Generator[Attr] {
	return rapid.Custom(func(t *rapid.T) Attr {
		a := Attr{
			Mode:  rapid.SampledFrom(kinds).Draw(t, "type") | rapid.Uint32Range(0, 0o7777).Draw(t, "mode"),
			UID:   rapid.Uint32().Draw(t, "uid"),
			GID:   rapid.Uint32().Draw(t, "gid"),
			Nlink: 1,
			Size:  genSize().Draw(t, "size"),
			Mtime: genTime().Draw(t, "mtime"),
		}
		if rapid.Bool().Draw(t, "links") {
			a.Nlink, a.Dev, a.Ino = rapid.Uint64().Draw(t, "nlink"), rapid.Uint64().Draw(t, "dev"), rapid.Uint64().Draw(t, "ino")
		}
		if rapid.Bool().Draw(t, "more") {
			a.Rdev, a.Atime = rapid.Uint64().Draw(t, "rdev"), genTime().Draw(t, "atime")
		}
		return a
	})
}

func genMeta() *rapid.Generator[Meta] {
	return rapid.Custom(func(t *rapid.T) Meta {
		if rapid.Bool().Draw(t, "plain") {
			return Meta{}
		}
		m := Meta{ACL: genBytes(60).Draw(t, "acl"), DefaultACL: genBytes(60).Draw(t, "default")}
		for range rapid.IntRange(0, 3).Draw(t, "xattrs") {
			m.Xattrs = append(m.Xattrs, Xattr{Name: genName().Draw(t, "xattr"), Value: genBytes(300).Draw(t, "value")})
		}
		return m
	})
}

func genEntry(name []byte) *rapid.Generator[Entry] {
	return rapid.Custom(func(t *rapid.T) Entry {
		e := Entry{
			Name:   name,
			Attr:   genAttr(modeRegular, modeLink, modeFIFO, modeChar, modeBlock, modeSocket).Draw(t, "attr"),
			Meta:   genMeta().Draw(t, "meta"),
			Device: rapid.Bool().Draw(t, "device"),
			Follow: rapid.Bool().Draw(t, "follow"),
		}
		if e.Attr.Mode&modeType == modeLink {
			e.Link = append([]byte("."), genBytes(200).Draw(t, "link")...)
		}
		if rapid.Bool().Draw(t, "checksum") {
			e.Sum = rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "sum")
		}
		return e
	})
}

func genEntries() *rapid.Generator[*Entries] {
	return rapid.Custom(func(t *rapid.T) *Entries {
		names := rapid.SliceOfN(genName(), 1, 12).Draw(t, "names")
		slices.SortFunc(names, bytes.Compare)
		names = slices.CompactFunc(names, bytes.Equal)
		m := &Entries{Dir: rapid.Uint32().Draw(t, "dir"), First: rapid.Uint32Range(0, math.MaxUint32-12).Draw(t, "first")}
		for _, name := range names {
			m.Items = append(m.Items, genEntry(name).Draw(t, "entry"))
		}
		return m
	})
}

func genID() *rapid.Generator[FileID] {
	return rapid.Custom(func(t *rapid.T) FileID {
		return FileID{Dir: rapid.Uint32().Draw(t, "dir"), Index: rapid.Uint32().Draw(t, "index")}
	})
}

func genSum() *rapid.Generator[[16]byte] {
	return rapid.Custom(func(t *rapid.T) [16]byte {
		return [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "sum"))
	})
}

func genStatus() *rapid.Generator[Status] {
	return rapid.SampledFrom([]Status{Good, Changed, Vanished, Failed})
}

func genNeed() *rapid.Generator[*Need] {
	return rapid.Custom(func(t *rapid.T) *Need {
		m := &Need{Dir: rapid.Uint32().Draw(t, "dir")}
		end := uint32(0)
		for range rapid.IntRange(1, 8).Draw(t, "runs") {
			from := end + rapid.Uint32Range(0, 1<<27).Draw(t, "gap")
			end = from + rapid.Uint32Range(1, 1<<27).Draw(t, "length")
			m.Runs = append(m.Runs, Run{From: from, To: end, Action: rapid.SampledFrom([]Action{Whole, Delta}).Draw(t, "action")})
		}
		return m
	})
}

func genSent() *rapid.Generator[*Sent] {
	return rapid.Custom(func(t *rapid.T) *Sent {
		m := &Sent{
			ID: genID().Draw(t, "id"), Status: genStatus().Draw(t, "status"), Size: genSize().Draw(t, "size"),
			Bytes: genSize().Draw(t, "bytes"), Mtime: genTime().Draw(t, "mtime"), Kernel: rapid.Bool().Draw(t, "kernel"),
		}
		if n := rapid.SampledFrom([]int{0, 16, 32}).Draw(t, "digest"); n > 0 {
			m.Digest = rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "digest")
		}
		end := int64(0)
		for range rapid.IntRange(0, 4).Draw(t, "ranges") {
			r := RangeSum{Off: end + rapid.Int64Range(0, 1<<60).Draw(t, "gap"), Len: rapid.Int64Range(1, 1<<60).Draw(t, "length")}
			r.Sum = genSum().Draw(t, "sum")
			m.Sums = append(m.Sums, r)
			end = r.Off + r.Len
		}
		return m
	})
}

// genMessage generates any message.
func genMessage() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		u32 := func(what string) uint32 { return rapid.Uint32().Draw(t, what) }
		flag := func(what string) bool { return rapid.Bool().Draw(t, what) }
		switch kind := rapid.Uint8Range(1, typeCount).Draw(t, "type"); kind {
		case typeJob:
			m := &Job{Push: flag("push"), CopyRules: flag("copy"), Dest: genBytes(80).Draw(t, "dest")}
			for range rapid.IntRange(0, 3).Draw(t, "words") {
				m.Words = append(m.Words, genText().Draw(t, "word"))
				m.Sources = append(m.Sources, genBytes(80).Draw(t, "source"))
			}
			return m
		case typeReady:
			return &Ready{Umask: rapid.Uint32Range(0, 0o777).Draw(t, "umask"), UID: u32("uid")}
		case typeRoot:
			return &Root{
				Single: flag("single"), IsDir: flag("dir"), Nothing: flag("nothing"), Hidden: flag("hidden"),
				Bare: flag("bare"), Content: flag("content"), Seals: flag("seals"), Lists: flag("lists"),
				Attr: genAttr(0, modeDir, modeRegular).Draw(t, "attr"), Meta: genMeta().Draw(t, "meta"), Path: genBytes(80).Draw(t, "path"),
			}
		case typeDir:
			m := &Dir{
				ID: rapid.Uint32Min(1).Draw(t, "id"), Name: genName().Draw(t, "name"), Called: genBytes(80).Draw(t, "called"),
				Path: genBytes(80).Draw(t, "path"), Attr: genAttr(modeDir).Draw(t, "attr"), Meta: genMeta().Draw(t, "meta"),
				Implied: flag("implied"), Lists: flag("lists"), Lost: flag("lost"),
			}
			m.Parent = rapid.Uint32Range(0, m.ID-1).Draw(t, "parent")
			return m
		case typeEntries:
			return genEntries().Draw(t, "entries")
		case typeDirEnd:
			m := &DirEnd{Dir: u32("dir"), Count: u32("count")}
			for range rapid.IntRange(0, 4).Draw(t, "names") {
				m.Subdirs = append(m.Subdirs, genName().Draw(t, "name"))
			}
			for range rapid.IntRange(0, 2).Draw(t, "others") {
				m.Others = append(m.Others, genName().Draw(t, "name"))
			}
			for range rapid.IntRange(0, 2).Draw(t, "missing") {
				m.Missing = append(m.Missing, genName().Draw(t, "name"))
			}
			return m
		case typeWalkEnd:
			return &WalkEnd{IOError: flag("error"), UnreadRoot: genBytes(80).Draw(t, "unread"), Dirs: u32("dirs"),
				Empty: genBytes(80).Draw(t, "empty"), LostMount: genBytes(80).Draw(t, "mount")}
		case typeNames:
			return &Names{Group: flag("group"), ID: u32("id"), Name: genName().Draw(t, "name")}
		case typeNeed:
			return genNeed().Draw(t, "need")
		case typeSignature:
			m := &Signature{ID: genID().Draw(t, "id"), Block: rapid.Uint32Range(MinBlock, MaxBlock).Draw(t, "block"), Last: flag("last")}
			m.First = rapid.Uint32Range(0, 1000).Draw(t, "first")
			for range rapid.IntRange(0, 4).Draw(t, "sums") {
				m.Sums = append(m.Sums, Sum{Weak: u32("weak"), Strong: genSum().Draw(t, "strong")})
			}
			m.Size = (int64(m.First)+int64(len(m.Sums)))*int64(m.Block) + int64(rapid.IntRange(0, 255).Draw(t, "rest"))
			return m
		case typeRefine:
			m := &Refine{ID: genID().Draw(t, "id"), Block: rapid.Uint32Range(MinBlock, MaxBlock).Draw(t, "block"), Last: flag("last")}
			m.Blocks = rapid.SliceOfNDistinct(rapid.Uint32(), 0, 5, rapid.ID[uint32]).Draw(t, "blocks")
			slices.Sort(m.Blocks)
			return m
		case typeFine:
			return &Fine{ID: genID().Draw(t, "id"), Sums: rapid.SliceOfN(rapid.Uint64(), 0, 5).Draw(t, "sums"), Last: flag("last")}
		case typeReceived:
			return &Received{IDs: rapid.SliceOfN(genID(), 1, 5).Draw(t, "ids")}
		case typeSent:
			return genSent().Draw(t, "sent")
		case typeVerdict:
			return &Verdict{ID: genID().Draw(t, "id"), Status: genStatus().Draw(t, "status")}
		case typeBatchSum:
			return &BatchSum{Stream: u32("stream"), Seq: rapid.Uint64().Draw(t, "seq"), Sum: genSum().Draw(t, "sum")}
		case typeDirDone:
			return &DirDone{Dir: u32("dir")}
		case typeRemove:
			return &Remove{ID: genID().Draw(t, "id")}
		case typeDrop:
			return &Drop{ID: genID().Draw(t, "id")}
		case typeCredit:
			return &Credit{Flow: rapid.SampledFrom([]Flow{FlowListings, FlowChunks, FlowReports}).Draw(t, "flow"), Bytes: rapid.Uint64Range(1, MaxCredit).Draw(t, "bytes")}
		case typeDone:
			return &Done{Removed: genSize().Draw(t, "removed")}
		case typeFinished:
			return &Finished{Stats: [32]int64(rapid.SliceOfN(rapid.Int64(), 32, 32).Draw(t, "stats"))}
		case typeProblem:
			return &Problem{Kind: rapid.Uint8().Draw(t, "kind"), Text: genText().Draw(t, "text"), Hint: genText().Draw(t, "hint")}
		case typeNote:
			return &Note{Level: rapid.Uint8().Draw(t, "level"), Text: genText().Draw(t, "text")}
		case typeItem:
			return &Item{
				Name: genBytes(80).Draw(t, "name"), Mode: u32("mode"), Flags: rapid.Uint64().Draw(t, "flags"),
				Link: genBytes(80).Draw(t, "link"), Size: genSize().Draw(t, "size"), Mtime: genTime().Draw(t, "mtime"),
				UID: u32("uid"), GID: u32("gid"), Method: rapid.Uint8().Draw(t, "method"),
				Moved: genSize().Draw(t, "moved"), Shared: genSize().Draw(t, "shared"), HasRes: flag("result"),
			}
		case typeTotals:
			return &Totals{
				Found: genSize().Draw(t, "found"), FoundBytes: genSize().Draw(t, "found bytes"), Files: genSize().Draw(t, "files"),
				Bytes: genSize().Draw(t, "bytes"), Wanted: genSize().Draw(t, "wanted"),
			}
		case typeFatal:
			return &Fatal{Code: rapid.Uint8().Draw(t, "code"), Text: genText().Draw(t, "text"), Hint: genText().Draw(t, "hint")}
		case typePing:
			return &Ping{Work: rapid.Uint64().Draw(t, "work")}
		case typeStop:
			return &Stop{}
		case typeChunk:
			return &Chunk{Stream: u32("stream"), Data: rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "data")}
		default:
			t.Fatalf("no generator for messages of type %d", kind)
			return nil
		}
	})
}
