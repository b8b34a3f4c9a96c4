package main

import (
	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/sync/ktls"
	"github.com/zccp/zccp/sync/link"
	"github.com/zccp/zccp/sync/verify"
)

// The words that options take. What folds an option and what completes it on a
// command line read the same table; its order is that of the message which lists
// what is valid.

func updateWords() []keyword[updateMode] {
	return []keyword[updateMode]{{"all", updateAll}, {"none", updateNone}, {"none-fail", updateNoneFail}, {"older", updateOlder}}
}

// backupWords are those of --backup and of $VERSION_CONTROL.
func backupWords() []keyword[backupMode] {
	return []keyword[backupMode]{
		{"none", backupNone}, {"off", backupNone},
		{"simple", backupSimple}, {"never", backupSimple},
		{"existing", backupExisting}, {"nil", backupExisting},
		{"numbered", backupNumbered}, {"t", backupNumbered},
	}
}

func preserveWords() []keyword[attribute] {
	return []keyword[attribute]{
		{"mode", attrMode}, {"timestamps", attrTimestamps}, {"ownership", attrOwnership},
		{"links", attrLinks}, {"context", attrContext}, {"xattr", attrXattr}, {"all", attrAll},
	}
}

func reflinkWords() []keyword[reflinkMode] {
	return []keyword[reflinkMode]{{"auto", reflinkAuto}, {"always", reflinkAlways}, {"never", reflinkNever}}
}

func sparseWords() []keyword[sparseMode] {
	return []keyword[sparseMode]{{"never", sparseNever}, {"auto", sparseAuto}, {"always", sparseAlways}}
}

func progressWords() []keyword[progressMode] {
	return []keyword[progressMode]{{"auto", progressAuto}, {"bar", progressBar}, {"plain", progressPlain}, {"json", progressJSON}, {"none", progressNone}}
}

func verifyWords() []keyword[verifyMode] {
	return []keyword[verifyMode]{{"xxh3", verifyXXH3}, {"blake3", verifyBLAKE3}}
}

func fsyncWords() []keyword[fsyncMode] {
	return []keyword[fsyncMode]{{"none", fsyncNone}, {"data", fsyncData}, {"full", fsyncFull}, {"batch", fsyncBatch}}
}

// atomicWords has one word; its value says that the option was given.
func atomicWords() []keyword[bool] { return []keyword[bool]{{"tree", true}} }

// methodWords are the methods and auto, which is copier.None.
func methodWords() []keyword[copier.Method] {
	words := []keyword[copier.Method]{{"auto", copier.None}}
	for _, m := range copier.Methods() {
		words = append(words, keyword[copier.Method]{m.String(), m})
	}
	return words
}

func cacheWords() []keyword[copier.CachePolicy] {
	return []keyword[copier.CachePolicy]{{"auto", copier.CacheAuto}, {"keep", copier.CacheKeep}, {"drop", copier.CacheDrop}}
}

func sharingWords() []keyword[copier.Sharing] {
	return []keyword[copier.Sharing]{{"auto", copier.AutoSharing}, {"always", copier.AlwaysSharing}, {"never", copier.NoSharing}}
}

func pathWords() []keyword[link.Path] {
	return []keyword[link.Path]{{"auto", link.Auto}, {"direct", link.Direct}, {"ssh", link.SSH}}
}

func securityWords() []keyword[link.Security] {
	return []keyword[link.Security]{{"tls", link.TLS}, {"plain", link.Plain}}
}

func ktlsWords() []keyword[ktls.Mode] {
	return []keyword[ktls.Mode]{{"auto", ktls.Auto}, {"off", ktls.Off}, {"require", ktls.Require}}
}

// compressWords are those of --compress-choice; the value says whether anything is
// compressed.
func compressWords() []keyword[bool] {
	return []keyword[bool]{{"auto", true}, {"zstd", true}, {"none", false}}
}

// checksumWords are those of --checksum-choice, which mean the same.
func checksumWords() []string { return []string{"auto", "xxh128"} }

func outbufWords() []keyword[bufferMode] {
	return []keyword[bufferMode]{
		{"none", bufferLine}, {"unbuffered", bufferLine}, {"line", bufferLine},
		{"block", bufferBlock}, {"full", bufferBlock},
	}
}

func stderrWords() []keyword[stderrMode] {
	return []keyword[stderrMode]{{"errors", stderrErrors}, {"all", stderrAll}, {"client", stderrClient}}
}

// hashWords are those of --hash of verify.
func hashWords() []keyword[copier.Hash] {
	return []keyword[copier.Hash]{{"xxh3", copier.XXH3}, {"blake3", copier.BLAKE3}}
}

// aspectWords are those of --ignore of verify.
func aspectWords() []keyword[verify.Aspect] {
	return []keyword[verify.Aspect]{
		{"mode", verify.Mode}, {"owner", verify.Owner}, {"group", verify.Group}, {"times", verify.Times},
		{"dirtimes", verify.DirTimes}, {"acl", verify.ACLs}, {"xattr", verify.Xattrs}, {"links", verify.Links},
	}
}

// shapeWords are those of --shape of bench tree; a word is its own value.
func shapeWords() []keyword[string] {
	return []keyword[string]{{"tree", "tree"}, {"flat", "flat"}, {"links", "links"}}
}

// keywordNames returns the words of a table.
func keywordNames[T any](table []keyword[T]) []string {
	names := make([]string, len(table))
	for i, k := range table {
		names[i] = k.name
	}
	return names
}
