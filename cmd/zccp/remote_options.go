package main

import (
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/ktls"
	"github.com/zccp/zccp/sync/link"
)

// remoteOptions are the options of a connection, which both modes have.
type remoteOptions struct {
	Destinations []string // values of --remote
	SSH          string   // "" for ssh
	Zccp         string   // what is run at the far end; "" for zccp
	Path         link.Path
	Ports        link.PortRange
	Security     link.Security
	KTLS         ktls.Mode
	Streams      int // 0: the link chooses
	Key          string
	Compress     bool
	Timeout      time.Duration // without a sign of life; 0: the link's own
	Connect      time.Duration // 0: none

	Given string // the first option given that means nothing between paths of one machine
}

// remoteFlags declares the options of a connection for copy mode. --path
// belongs to them and to cp, and stands with cp's options.
func remoteFlags() []cli.Flag {
	var flags []cli.Flag
	for _, o := range syncRemote() {
		switch o.canonical() {
		case "path", "compress-choice":
			continue
		case "ssh":
			o.names, o.usage = []string{"ssh", "e", "rsh"}, "run `CMD` in place of ssh"
		case "remote":
			o.usage = "copy each SOURCE to `DEST` on another machine; may be repeated, and each gets them in turn"
		case "remote-zccp":
			o.names = o.names[:1]
		}
		o.group = categoryRemote
		flags = append(flags, o.cliFlag())
	}
	return append(flags, syncOption{group: categoryRemote, names: []string{"timeout"}, kind: requiredValue,
		usage: "give up when nothing was heard from the other machine for `SECONDS`"}.cliFlag())
}

// maxStreams bounds --streams: more connections than this gain nothing, and a
// daemon takes no more from one client.
const maxStreams = 16

// fold gives a setting its meaning. known is false if it is none of these.
func (o *remoteOptions) fold(s setting) (known bool, err error) {
	own := true
	switch s.Option {
	case "remote":
		if s.Value == "" {
			err = usagef("--remote is empty")
		}
		o.Destinations = append(o.Destinations, s.Value)
	case "ssh":
		own = false
		o.SSH = s.Value
	case "remote-zccp":
		own = false
		o.Zccp = s.Value
	case "path":
		o.Path, err = findKeyword("--path", s.Value, pathWords())
	case "data-ports":
		if o.Ports, err = link.ParsePortRange(s.Value); err != nil {
			err = usagef("invalid --data-ports: %v", err)
		}
	case "security":
		o.Security, err = findKeyword("--security", s.Value, securityWords())
	case "ktls":
		o.KTLS, err = findKeyword("--ktls", s.Value, ktlsWords())
	case "streams":
		if o.Streams, err = strconv.Atoi(s.Value); err != nil || o.Streams < 1 || o.Streams > maxStreams {
			err = usagef("invalid number of streams %s: not between 1 and %d", apply.Quote(s.Value), maxStreams)
		}
	case "key":
		o.Key = s.Value
	case "compress":
		own = false
		o.Compress = true
	case "no-compress":
		own = false
		o.Compress = false
	case "compress-choice":
		own = false
		words := compressWords()
		i := slices.IndexFunc(words, func(k keyword[bool]) bool { return k.name == s.Value })
		if i < 0 {
			return true, unsupported("--compress-choice="+printableText(s.Value), "what is compressed is so by zstd")
		}
		o.Compress = words[i].val
	case "contimeout":
		o.Connect, err = parseSeconds(s)
	case "no-contimeout":
		o.Connect = 0
	default:
		return false, nil
	}
	if own && o.Given == "" {
		o.Given = spelling(s.Option)
	}
	return true, err
}

// parseSeconds reads the value of a time-out.
func parseSeconds(s setting) (time.Duration, error) {
	n, err := parseSyncInt(s.Option, s.Value)
	return time.Duration(max(0, n)) * time.Second, err
}

// check refuses contradictions with where a run goes.
func (o *remoteOptions) check(r *remoteRoute) error {
	daemon := false
	for _, p := range r.Places {
		daemon = daemon || p.Daemon
	}
	switch {
	case daemon && (o.Path != link.Auto || o.Ports != (link.PortRange{})):
		return usagef("--path and --data-ports are for ssh: a daemon has the one port that it listens on")
	case o.Path == link.SSH && o.Security == link.Plain:
		return usagef("--path=ssh and --security=plain exclude each other: what goes through ssh is encrypted")
	case o.Path == link.SSH && o.KTLS == ktls.Require:
		return usagef("--path=ssh and --ktls=require exclude each other: what goes through ssh is encrypted by ssh")
	case o.Security == link.Plain && o.KTLS == ktls.Require:
		return usagef("--security=plain and --ktls=require exclude each other")
	}
	return nil
}
