package main

import "testing"

func TestParseSize(t *testing.T) {
	cases := []struct {
		text string
		want int64
		err  string
	}{
		{"0", 0, ""},
		{"1", 1024, ""},
		{"1b", 1, ""},
		{"1B", 1, ""},
		{"1k", 1024, ""},
		{"1K", 1024, ""},
		{"1KiB", 1024, ""},
		{"1KB", 1000, ""},
		{"1kb", 1000, ""},
		{"1.5M", 3 << 19, ""},
		{".5M", 1 << 19, ""},
		{"2MB", 2e6, ""},
		{"3G", 3 << 30, ""},
		{"1T", 1 << 40, ""},
		{"1P", 1 << 50, ""},
		{"1023.999", 1048574, ""},
		{"8388607T", 8388607 << 40, ""},
		{"8388608T", 0, "too large"},
		{"9999999999999999999999", 0, "too large"},
		{"", 0, "not a number"},
		{".", 0, "not a number"},
		{"1.2.3", 0, "not a number"},
		{"K", 0, "not a number"},
		{"-1", 0, "not a number"},
		{"+1", 0, "not a number"},
		{"1e3", 0, "unknown unit 'e3'"},
		{"0x10", 0, "unknown unit 'x10'"},
		{"1_000", 0, "unknown unit '_000'"},
		{"1 K", 0, "unknown unit ' K'"},
		{"1Ki", 0, "unknown unit 'Ki'"},
		{"1bb", 0, "unknown unit 'bb'"},
		{"1Z", 0, "unknown unit 'Z'"},
		{"1\xff", 0, "unknown unit '\xff'"},
	}
	for _, c := range cases {
		got, err := parseSize(c.text, 1024)
		switch {
		case c.err != "":
			if err == nil || err.Error() != c.err {
				t.Errorf("parseSize(%q): error %v, want %s", c.text, err, c.err)
			}
		case err != nil || got != c.want:
			t.Errorf("parseSize(%q) = %d, %v, want %d", c.text, got, err, c.want)
		}
	}
}

func TestFormatSize(t *testing.T) {
	cases := map[int64]string{
		0: "0 B", 1: "1 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB",
		1048524: "1023.9 KiB", 1048525: "1.0 MiB", 1 << 20: "1.0 MiB", 1 << 30: "1.0 GiB",
		1 << 40: "1.0 TiB", 1 << 50: "1.0 PiB", 1 << 60: "1.0 EiB", 1<<63 - 1: "8.0 EiB",
	}
	for n, want := range cases {
		if got := formatSize(n); got != want {
			t.Errorf("formatSize(%d) = %q, want %q", n, got, want)
		}
	}
}

// FuzzParseSize: a size is never negative, and an error says something.
func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"1", "1.5MB", "9e99", "99999999999999P", "NaN", "Inf", "1iB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := parseSize(s, 1024); n < 0 || err != nil && (n != 0 || err.Error() == "") {
			t.Errorf("parseSize(%q) = %d, %v", s, n, err)
		}
	})
}
