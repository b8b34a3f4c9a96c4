package filter_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/zccp/zccp/sync/filter"
)

// choice returns what rsync does, for the rules of this package.
func (c *comparison) choice() ([]string, error) {
	l, err := c.list()
	if err == nil && c.respell {
		l, err = c.respelled(l)
	}
	if err != nil {
		return nil, err
	}
	// An error in a file of rules ends both sides.
	sent := map[string]bool{}
	var lines []string
	walk := func(side filter.Side, at string, enter func(d *filter.Dir, rel string) error) error {
		root := filepath.Join(c.work, at)
		d := l.Root(side, []byte(root))
		rel := ""
		name := "."
		if c.later && side == filter.Sender {
			empty := filepath.Join(c.work, "sub/empty")
			if _, err := l.Root(side, []byte(empty)).Enter([]byte("."), reader(empty)); err != nil {
				return err
			}
			d = d.Later()
		}
		if !c.slash {
			d = l.Root(side, []byte(filepath.Dir(root)))
			if side == filter.Sender && d.Match([]byte("src"), true) == filter.Excluded {
				c.decided = true
				return nil
			}
			rel, name = "src/", "src"
		}
		d, err := d.Enter([]byte(name), reader(root))
		if err != nil {
			return err
		}
		return enter(d, rel)
	}
	var send func(d *filter.Dir, rel string) error
	send = func(d *filter.Dir, rel string) error {
		sent[rel] = true
		at := filepath.Join(c.work, "src", strings.TrimPrefix(rel, c.top()))
		return each(at, func(name string, isDir bool) error {
			switch {
			case d.Match([]byte(name), isDir) == filter.Excluded:
				c.decided = true
				return nil
			case !isDir:
				sent[rel+name] = true
				return nil
			}
			sub, err := d.Enter([]byte(name), reader(filepath.Join(at, name)))
			if err != nil {
				return err
			}
			return send(sub, rel+name+"/")
		})
	}
	if err := walk(filter.Sender, "src", send); err != nil {
		return nil, err
	}
	if !sent[c.top()] {
		return nil, nil
	}
	var clean func(d *filter.Dir, rel string, doomed bool) (left bool, err error)
	clean = func(d *filter.Dir, rel string, doomed bool) (left bool, err error) {
		at := filepath.Join(c.work, "dst/src", strings.TrimPrefix(rel, c.top()))
		err = each(at, func(name string, isDir bool) error {
			verdict := d.Match([]byte(name), isDir)
			if doomed {
				verdict = d.MatchDoomed([]byte(name), isDir)
			}
			key := rel + name
			if isDir {
				key += "/"
			}
			stays := !doomed && sent[key]
			switch {
			case verdict == filter.Excluded && !stays:
				c.decided = true
				left = true
				return nil
			case stays && !isDir:
				return nil
			case isDir:
				sub, err := d.Enter([]byte(name), reader(filepath.Join(at, name)))
				if err != nil {
					return err
				}
				inside, err := clean(sub, key, !stays)
				if err != nil || stays {
					return err
				}
				if inside {
					left = true
					return nil
				}
			}
			lines = append(lines, "delete "+key)
			return nil
		})
		return left, err
	}
	err = walk(filter.Receiver, "dst/src", func(d *filter.Dir, rel string) error {
		_, err := clean(d, rel, false)
		return err
	})
	for p := range sent {
		if p == "" {
			p = "./"
		}
		lines = append(lines, "send "+p)
	}
	sort.Strings(lines)
	return lines, err
}

// respelled returns the list that the rules of l make where none of its files are.
func (c *comparison) respelled(l *filter.List) (*filter.List, error) {
	again := filter.New(nil)
	for _, o := range c.options {
		if o.name == "--from0" {
			again.NulEnded()
		}
	}
	// What .cvsignore files of the tree lead to is still of the place.
	home, err := os.ReadFile(filepath.Join(c.work, "home/.cvsignore"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	again.CVSIgnore(func() (filter.CVSIgnored, error) { return filter.CVSIgnored{File: home, Words: c.words}, nil })
	for _, rule := range l.Rules() {
		if err := again.Add(rule); err != nil {
			return nil, fmt.Errorf("rule %q of %q: %w", rule, l.Rules(), err)
		}
	}
	for _, o := range c.options {
		if o.name == "--delete-excluded" {
			again.DeleteExcluded()
		}
	}
	return again, nil
}

// top is what names of the transfer begin with.
func (c *comparison) top() string {
	if c.slash {
		return ""
	}
	return "src/"
}

func (c *comparison) list() (*filter.List, error) {
	file := func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(c.work, name)
		}
		return os.ReadFile(name)
	}
	l := filter.New(file)
	home, err := os.ReadFile(filepath.Join(c.work, "home/.cvsignore"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l.CVSIgnore(func() (filter.CVSIgnored, error) { return filter.CVSIgnored{File: home, Words: c.words}, nil })
	nul := false
	for _, o := range c.options {
		var err error
		switch o.name {
		case "--filter":
			err = l.Add(o.value)
		case "--include":
			err = l.Include(o.value)
		case "--exclude":
			err = l.Exclude(o.value)
		case "--include-from", "--exclude-from":
			contents, err := file(o.value)
			if err != nil {
				return nil, err
			}
			add := l.ExcludeFile
			if o.name == "--include-from" {
				add = l.IncludeFile
			}
			if err := add(contents, nul); err != nil {
				return nil, err
			}
		case "-C":
			err = l.CVS()
		case "-F":
			l.PerDir()
		case "--from0":
			nul = true
			l.NulEnded()
		case "--delete-excluded":
			l.DeleteExcluded()
		}
		if err != nil {
			return nil, err
		}
	}
	return l, nil
}

// reader reads files by names in dir or by absolute names.
func reader(dir string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		contents, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return contents, err
	}
}

func each(dir string, do func(name string, isDir bool) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		// What is sent need not be there at the receiver.
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	for _, e := range entries {
		if err := do(e.Name(), e.IsDir()); err != nil {
			return err
		}
	}
	return nil
}
