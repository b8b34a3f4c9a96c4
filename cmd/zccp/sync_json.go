package main

import (
	"time"

	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/plan"
)

// jsonItem is the line of one entry in sync mode; docs/json.md describes it.
type jsonItem struct {
	Type      string        `json:"type"`
	Op        string        `json:"op"`
	Itemize   string        `json:"itemize"`
	Name      string        `json:"name"`
	NameB64   string        `json:"name_b64,omitempty"`
	Target    string        `json:"target,omitempty"`
	TargetB64 string        `json:"target_b64,omitempty"`
	Mode      uint32        `json:"mode"`
	Size      int64         `json:"size"`
	Mtime     string        `json:"mtime"`
	UID       uint32        `json:"uid"`
	GID       uint32        `json:"gid"`
	Method    string        `json:"method,omitempty"`
	Moved     *int64        `json:"moved,omitempty"`
	Cloned    *int64        `json:"cloned,omitempty"`
	Holes     *int64        `json:"holes,omitempty"`
	Attempts  int           `json:"attempts,omitempty"`
	Verified  bool          `json:"verified,omitempty"`
	Refused   []jsonRefusal `json:"refused,omitempty"`
}

func (j *jsonReport) syncItem(ev *mirror.Event, cfg *syncConfig) {
	line := jsonItem{
		Type: "item", Op: syncOp(ev, cfg), Itemize: itemLetters(ev, cfg),
		Mode: ev.Mode, Size: ev.Size, Mtime: clock(ev.Mtime).UTC().Format(time.RFC3339Nano), UID: ev.UID, GID: ev.GID,
	}
	line.Name, line.NameB64 = jsonName(ev.Name)
	line.Target, line.TargetB64 = jsonName(ev.Link)
	if res := ev.Result; res != nil {
		line.Method, line.Attempts, line.Verified = res.Method.String(), res.Attempts, res.Verified
		line.Moved, line.Cloned, line.Holes = &res.Moved, &res.Cloned, &res.Holes
		for _, x := range res.Refusals() {
			line.Refused = append(line.Refused, jsonRefusal{x.Method.String(), reason(x.Err)})
		}
	}
	j.emit(line)
}

// syncOp says in a word what an entry's flags say in eleven letters.
func syncOp(ev *mirror.Event, cfg *syncConfig) string {
	switch f := ev.Flags; {
	case cfg.Mirror.ListOnly:
		return "list"
	case f&plan.FlagDeleted != 0:
		return "delete"
	case f&plan.FlagHardLink != 0:
		return "link"
	case f&plan.FlagTransfer != 0:
		return "transfer"
	case f&plan.FlagNew != 0:
		return "create"
	case f.Significant():
		return "change"
	}
	return "none"
}

// jsonSyncSummary is the last line in sync mode.
type jsonSyncSummary struct {
	Type        string    `json:"type"`
	Exit        int       `json:"exit"`
	Meaning     string    `json:"meaning"`
	DryRun      bool      `json:"dry_run,omitempty"`
	Seconds     float64   `json:"seconds"`
	Files       jsonKinds `json:"files"`
	Created     jsonKinds `json:"created"`
	Deleted     jsonKinds `json:"deleted"`
	Transferred int64     `json:"transferred"`
	TotalSize   int64     `json:"total_size"`
	Size        int64     `json:"transferred_size"`
	Literal     int64     `json:"literal"`
	Matched     int64     `json:"matched"`
	Route       string    `json:"route,omitempty"`
}

type jsonKinds struct {
	Total    int64 `json:"total"`
	Regular  int64 `json:"regular"`
	Dirs     int64 `json:"directories"`
	Links    int64 `json:"symlinks"`
	Devices  int64 `json:"devices"`
	Specials int64 `json:"specials"`
}

func (j *jsonReport) syncSummary(s mirror.Stats, code int, elapsed time.Duration) {
	j.emit(jsonSyncSummary{
		Type: "summary", Exit: code, Meaning: syncExitText(code), DryRun: j.dryRun, Seconds: elapsed.Seconds(),
		Files:       jsonKinds{s.Files, s.Regular, s.Dirs, s.Links, s.Devices, s.Specials},
		Created:     jsonKinds{s.Created, s.CreatedRegular, s.CreatedDirs, s.CreatedLinks, s.CreatedDev, s.CreatedSpec},
		Deleted:     jsonKinds{s.Deleted, s.DeletedRegular, s.DeletedDirs, s.DeletedLinks, s.DeletedDev, s.DeletedSpec},
		Transferred: s.Transferred, TotalSize: s.TotalSize, Size: s.TransferredSize, Literal: s.Literal, Matched: s.Matched, Route: j.route,
	})
}
