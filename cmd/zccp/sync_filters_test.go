package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestSyncCVSRules checks that what the user has CVS ignore goes into the rule
// "-C" as into the option, and that nobody looks for it without either.
func TestSyncCVSRules(t *testing.T) {
	home := t.TempDir()
	list := filepath.Join(home, ".cvsignore")
	if err := os.WriteFile(list, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	parse := func(option string) (*syncConfig, error) {
		e, _, _ := testEnv(map[string]string{"HOME": home, "CVSIGNORE": "env"}, "zccp", "sync")
		return parseSync(e, []string{"-a", option, "src/", "dst"})
	}
	for _, option := range []string{"-C", "--filter=-C", "--filter=merge,- " + list} {
		cfg, err := parse(option)
		if err != nil {
			t.Fatal(err)
		}
		rules := cfg.Mirror.Filter.Rules()
		for _, rule := range []string{"- mine", "- env"} {
			if want := rule == "- mine" || option[len(option)-1] == 'C'; slices.Contains(rules, rule) != want {
				t.Errorf("%s: rules %q, and %q is to be one: %t", option, rules, rule, want)
			}
		}
	}
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(list, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := parse("--filter=- x"); err != nil {
		t.Errorf("a rule that needs no list of the user: %v", err)
	}
	var coded *syncError
	if _, err := parse("--filter=-C"); !errors.As(err, &coded) || coded.code != exitFileIO {
		t.Errorf("a list that can't be read: %v", err)
	}
}
