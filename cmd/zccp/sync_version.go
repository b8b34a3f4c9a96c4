package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
)

// rsyncVersion is the version whose options and output these are. Scripts read
// it from the first line to learn which options they may use.
const (
	rsyncVersion  = "3.5.0"
	rsyncProtocol = "32"
)

// syncCapability is something that rsync may or may not have been built with.
type syncCapability struct {
	key  string // of -VV
	word string // of -V
	has  any    // bool, or bits, or a word
}

func syncCapabilities() []syncCapability {
	linux := runtime.GOOS == "linux"
	return []syncCapability{
		{"file_bits", "64-bit files", 64}, {"inum_bits", "64-bit inums", 64},
		{"timestamp_bits", "64-bit timestamps", 64}, {"long_int_bits", "64-bit long ints", 64},
		{"socketpairs", "socketpairs", false}, {"symlinks", "symlinks", true}, {"symtimes", "symtimes", true},
		{"hardlinks", "hardlinks", true}, {"hardlink_specials", "hardlink-specials", true},
		{"hardlink_symlinks", "hardlink-symlinks", true}, {"IPv6", "IPv6", false}, {"atimes", "atimes", true},
		{"batchfiles", "batchfiles", false}, {"inplace", "inplace", true}, {"append", "append", true},
		{"ACLs", "ACLs", linux}, {"ACL_at", "ACL-at", linux}, {"xattrs", "xattrs", linux},
		{"secluded_args", "optional secluded-args", "optional"}, {"iconv", "iconv", false},
		{"prealloc", "prealloc", linux}, {"stop_at", "stop-at", true}, {"crtimes", "crtimes", false},
	}
}

// printSyncVersion writes the text of -V. Its first line is that of rsync, by
// which scripts know what they may ask for, and says what is behind it.
func printSyncVersion(w io.Writer) error {
	v, _ := buildVersion()
	var words []string
	for _, c := range syncCapabilities() {
		word := c.word
		if c.has == false {
			word = "no " + word
		}
		words = append(words, word)
	}
	_, err := fmt.Fprintf(w, "rsync  version %s  protocol version %s  compatible: zccp %s\n"+
		"Options and output are those of rsync. Its protocol is not spoken: both ends run zccp.\n"+
		"Capabilities:\n    %s\nChecksum list:\n    xxh128\nCompress list:\n    zstd none\n",
		rsyncVersion, rsyncProtocol, v,
		strings.Join(wrap(strings.Join(words, ", "), 72), "\n    "))
	return err
}

// printSyncVersionJSON writes the text of -VV: rsync's keys.
func printSyncVersionJSON(w io.Writer) error {
	v, _ := buildVersion()
	capabilities := make(map[string]any)
	for _, c := range syncCapabilities() {
		capabilities[c.key] = c.has
	}
	text, err := json.MarshalIndent(struct {
		Program       string          `json:"program"`
		Version       string          `json:"version"`
		Protocol      string          `json:"protocol"`
		ZccpVersion   string          `json:"zccp_version"`
		URL           string          `json:"url"`
		Capabilities  map[string]any  `json:"capabilities"`
		Optimizations map[string]bool `json:"optimizations"`
		Checksums     []string        `json:"checksum_list"`
		Compress      []string        `json:"compress_list"`
		Auth          []string        `json:"daemon_auth_list"`
		License       string          `json:"license"`
		Copyright     string          `json:"copyright"`
		Caveat        string          `json:"caveat"`
	}{
		Program: "zccp", Version: rsyncVersion, Protocol: rsyncProtocol + ".0", ZccpVersion: v,
		URL: "https://github.com/zccp/zccp", Capabilities: capabilities,
		Optimizations: map[string]bool{"SIMD_roll": false, "asm_roll": false, "openssl_crypto": false, "asm_MD5": false},
		Checksums:     []string{"xxh128"}, Compress: []string{"zstd", "none"}, Auth: []string{},
		License: "MIT", Copyright: "the authors of zccp",
		Caveat: "version and protocol are those of the rsync whose options these are; the protocol is not spoken",
	}, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}
