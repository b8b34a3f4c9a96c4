package main

// syncIdle are options that rsync accepts between local trees and that change
// nothing there. Each says why that holds of zccp as well.
func syncIdle() []syncOption {
	idle := func(o syncOption, why string) syncOption {
		o.group, o.idle = groupIdle, why
		return o
	}
	const (
		network  = "nothing goes over a network"
		compress = "nothing is sent, so nothing is compressed"
		shell    = "no arguments pass through a remote shell"
	)
	return []syncOption{
		idle(syncFlag("", "inc-recursive i-r", "").negatable("inc-recursive i-r"), "directories are listed as they are reached"),
		idle(syncFlag("", "compress z", "").negatable("compress z"), compress),
		idle(syncFlag("", "old-compress", ""), compress),
		idle(syncFlag("", "new-compress", ""), compress),
		idle(syncValue("", "compress-choice zc", ""), compress),
		idle(syncValue("", "compress-level zl", ""), compress),
		idle(syncValue("", "compress-threads zt", ""), compress),
		idle(syncValue("", "skip-compress", ""), compress),
		idle(syncValue("", "rsh e", ""), network),
		idle(syncValue("", "rsync-path", ""), network),
		idle(syncValue("", "address", ""), network),
		idle(syncValue("", "port", ""), network),
		idle(syncValue("", "sockopts", ""), network),
		idle(syncFlag("", "blocking-io", "").negatable("blocking-io"), network),
		idle(syncFlag("", "ipv4 4", ""), network),
		idle(syncFlag("", "ipv6 6", ""), network),
		idle(syncFlag("", "motd", "").negatable("motd"), "there is no daemon to greet"),
		idle(syncValue("", "early-input", ""), "there is no daemon to read it"),
		idle(syncFlag("", "old-args", "").negatable("old-args"), shell),
		idle(syncFlag("", "secluded-args s protect-args", "").negatable("secluded-args protect-args s"), shell),
		idle(syncFlag("", "trust-sender", ""), "there is no other side to distrust"),
		idle(syncFlag("", "insecure-links", "").negatable("insecure-links"), "links in the paths that you name are followed, whoever owns them"),
		idle(syncValue("", "checksum-seed", ""), "checksums stay inside the program"),
		idle(syncValue("", "max-alloc", ""), "memory is bounded by design"),
		idle(syncValue("", "iconv", "").negatable("iconv"), "names stay bytes; any value but - is refused"),
		idle(syncFlag("", "fuzzy y", "").negatable("fuzzy y"), "a similar file spares sending bytes, not copying them"),
		idle(syncFlag("", "qsort", ""), "it chooses an algorithm inside of rsync"),
	}
}

// syncNever are options of rsync that are refused whatever their value is. Those
// that depend on it are refused by syncFolder.
func syncNever() []syncOption {
	never := func(o syncOption, why string) syncOption {
		o.group, o.never = groupNever, why
		return o
	}
	const (
		daemon   = "there is no daemon"
		batch    = "there are no batch files"
		protocol = "rsync's protocol is not spoken"
	)
	return []syncOption{
		never(syncFlag("", "crtimes N", "").negatable("crtimes N"), "creation times can't be set"),
		never(syncValue("", "confine-root", ""), "paths that are named on the command line are not confined"),
		never(syncValue("", "copy-as", ""), "run zccp as that user"),
		never(syncValue("", "remote-option M", ""), "there is no remote side"),
		never(syncValue("", "contimeout", "").negatable("contimeout"), "there is no daemon to connect to"),
		never(syncValue("", "password-file", ""), daemon),
		never(syncFlag("", "daemon", ""), daemon),
		never(syncFlag("", "server", ""), protocol),
		never(syncFlag("", "sender", ""), protocol),
		never(syncValue("", "config", ""), daemon),
		never(syncValue("", "dparam", ""), daemon),
		never(syncValue("", "write-batch", ""), batch),
		never(syncValue("", "only-write-batch", ""), batch),
		never(syncValue("", "read-batch", ""), batch),
		never(syncValue("", "protocol", ""), protocol),
	}
}
