package main

// syncIdle are options that rsync accepts between local trees and that change
// nothing there. Each says why that holds of zccp as well, and those that do mean
// something between machines why they are refused there.
func syncIdle() []syncOption {
	idle := func(o syncOption, why string) syncOption {
		o.group, o.idle = groupIdle, why
		return o
	}
	const (
		network  = "nothing goes over a network"
		compress = "nothing is sent, so nothing is compressed"
		chosen   = "-z finds out by itself what is worth it"
		ssh      = "name a wrapper with --ssh, or set it in ~/.ssh/config"
		shell    = "no arguments pass through a remote shell"
	)
	return []syncOption{
		idle(syncFlag("", "inc-recursive i-r", "").negatable("inc-recursive i-r"), "directories are listed as they are reached"),
		idle(syncFlag("", "old-compress", ""), compress).notAway(chosen),
		idle(syncFlag("", "new-compress", ""), compress).notAway(chosen),
		idle(syncValue("", "compress-level zl", ""), compress).notAway(chosen),
		idle(syncValue("", "compress-threads zt", ""), compress).notAway(chosen),
		idle(syncValue("", "skip-compress", ""), compress).notAway(chosen),
		idle(syncValue("", "address", ""), network).notAway(ssh),
		idle(syncValue("", "port", ""), network).notAway(ssh),
		idle(syncValue("", "sockopts", ""), network).notAway(ssh),
		idle(syncFlag("", "blocking-io", "").negatable("blocking-io"), network).notAway(ssh),
		idle(syncFlag("", "ipv4 4", ""), network).notAway(ssh),
		idle(syncFlag("", "ipv6 6", ""), network).notAway(ssh),
		idle(syncFlag("", "motd", "").negatable("motd"), "no daemon has a greeting"),
		idle(syncValue("", "early-input", ""), "there is no daemon to read it").notAway("no daemon reads it"),
		idle(syncFlag("", "old-args", "").negatable("old-args"), shell),
		idle(syncFlag("", "secluded-args s protect-args", "").negatable("secluded-args protect-args s"), shell),
		idle(syncFlag("", "trust-sender", ""), "what another machine sends is always checked"),
		idle(syncFlag("", "insecure-links", "").negatable("insecure-links"), "links in the paths that you name are followed, whoever owns them"),
		idle(syncValue("", "checksum-seed", ""), "checksums stay inside the program"),
		idle(syncValue("", "max-alloc", ""), "memory is bounded by design"),
		idle(syncValue("", "iconv", "").negatable("iconv"), "names stay bytes; any value but - is refused"),
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
		daemon   = "rsync's daemon is another one than zccp serve"
		batch    = "there are no batch files"
		protocol = "rsync's protocol is not spoken"
	)
	return []syncOption{
		never(syncFlag("", "crtimes N", "").negatable("crtimes N"), "creation times can't be set"),
		never(syncValue("", "confine-root", ""), "paths that are named on the command line are not confined"),
		never(syncValue("", "copy-as", ""), "run zccp as that user"),
		never(syncValue("", "remote-option M", ""), "both ends work by the same options"),
		never(syncValue("", "password-file", ""), "zccp serve knows keys, not passwords"),
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
