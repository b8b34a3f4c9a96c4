package main

import (
	"slices"
	"strings"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// resolve finishes the configuration: defaults, then every conflict, in the
// order and the words of cp where cp has it.
func (f *folder) resolve(e *env, operands []string) error {
	c := &f.cfg
	c.Interactive = f.clobber == clobberAsk
	if f.clobber == clobberNever {
		c.Update = updateNone
	}
	if c.HardLink && c.SymbolicLink {
		return usagef("cannot make both hard and symbolic links")
	}
	if f.backup && (c.Update == updateNone || c.Update == updateNoneFail) {
		if f.clobber == clobberNever {
			return usagef("options --backup and --no-clobber are mutually exclusive")
		}
		return usagef("options --backup and --update=none or none-fail are mutually exclusive")
	}
	if c.Reflink == reflinkAlways && c.Sparse != sparseAuto {
		return usagef("--reflink can be used only with --sparse=auto")
	}
	c.JSON = c.JSON || c.Progress == progressJSON
	if err := f.resolveBackup(e); err != nil {
		return err
	}
	if !f.dereferenceSet {
		// What -R copies is the tree as it is; what is named without -R, and
		// what -l links to, is the file behind a link.
		c.Dereference = dereferenceAlways
		if c.Recursive && !c.HardLink {
			c.Dereference = dereferenceNever
		}
	}
	c.CopyContents = !c.Recursive || f.copyContents
	if err := f.resolveContext(); err != nil {
		return err
	}
	if err := f.resolveExtra(); err != nil {
		return err
	}
	return f.resolveOperands(e, operands)
}

// resolveBackup chooses the kind of backups and their suffix.
func (f *folder) resolveBackup(e *env) error {
	c := &f.cfg
	if f.backup {
		c.Backup = backupExisting
		context, control := "backup type", f.control
		if control == "" {
			context, control = "$VERSION_CONTROL", e.getenv("VERSION_CONTROL")
		}
		if control != "" {
			var err error
			c.Backup, err = findKeyword(context, control, backupWords())
			if err != nil {
				return err
			}
		}
	}
	c.Suffix = f.suffix
	if c.Suffix == "" {
		c.Suffix = e.getenv("SIMPLE_BACKUP_SUFFIX")
	}
	// A slash would put the backup into another directory.
	if c.Suffix == "" || strings.Contains(c.Suffix, "/") {
		c.Suffix = "~"
	}
	return nil
}

// resolveContext settles the SELinux options. Without SELinux -Z means nothing
// and is ignored, as in cp. With it, giving a file another context than the
// kernel's own default is refused: nothing here sets contexts.
func (f *folder) resolveContext() error {
	c := &f.cfg
	c.RequireContext = c.RequireContext && c.Preserve.Context
	c.RequireXattr = c.RequireXattr && c.Preserve.Xattr
	if c.RequireContext && !f.selinux {
		return refusef("", "cannot preserve security context without an SELinux-enabled kernel")
	}
	if c.RequireXattr && !platform.HasOwners {
		return refusef("", "cannot preserve extended attributes on this system")
	}
	if !f.context || !f.selinux {
		return nil
	}
	if c.RequireContext {
		return refusef("", "cannot set target context and preserve it")
	}
	return refusef("leave out -Z and --context, and run restorecon or chcon on the copy",
		"cannot set the target context: not in this version")
}

// resolveExtra refuses contradictions of zccp's own options.
func (f *folder) resolveExtra() error {
	c := &f.cfg
	if err := checkSharing(copierOptions(c, 0)); err != nil {
		return err
	}
	switch {
	case c.Methods != nil && c.Cache != copier.CacheAuto:
		return usagef("options --method and --cache are mutually exclusive: what stays in memory is the method's doing")
	case c.Methods != nil && c.Reflink == reflinkAlways && !slices.Contains(c.Methods, copier.Reflink):
		return usagef("--reflink=always allows no method but reflink")
	case !c.AtomicTree:
		return nil
	}
	// The tree is new in all its parts: there is no existing file in it that
	// such an option could spare, ask about or keep.
	for _, x := range []struct {
		set    bool
		option string
	}{
		{c.Inplace, "--inplace"},
		{c.Interactive, "--interactive"},
		{c.Update != updateAll, "--update or --no-clobber"},
		{c.Backup != backupNone, "--backup"},
		{c.AttributesOnly, "--attributes-only"},
		{c.KeepDirectorySymlink, "--keep-directory-symlink"},
		{c.Parents, "--parents"},
	} {
		if x.set {
			return usagef("options --atomic=tree and %s are mutually exclusive", x.option)
		}
	}
	return nil
}

// resolveOperands tells sources from the destination.
func (f *folder) resolveOperands(e *env, operands []string) error {
	c := &f.cfg
	switch {
	case len(operands) == 0:
		return &usageError{text: "missing file operand", example: !e.asCp(), tryHelp: true}
	case len(operands) == 1 && !f.targetSet && len(c.Remote.Destinations) == 0:
		return usagef("missing destination file operand after %s", apply.Quote(operands[0]))
	case f.noTarget && f.targetSet:
		return refusef("", "cannot combine --target-directory (-t) and --no-target-directory (-T)")
	case f.targetSet && len(c.Remote.Destinations) > 0:
		return usagef("cannot combine --target-directory (-t) and --remote")
	case f.noTarget && len(operands) > 1 && len(c.Remote.Destinations) > 0:
		return usagef("extra operand %s", apply.Quote(operands[1]))
	case f.noTarget && len(operands) > 2:
		return usagef("extra operand %s", apply.Quote(operands[2]))
	case f.noTarget && c.Parents:
		return usagef("with --parents, the destination must be a directory")
	}
	operands = localOperands(operands, e.asCp())
	c.Sources = operands
	switch {
	case f.targetSet:
		c.Dest, c.DestRule = localOperand(c.Dest, e.asCp()), destDirectory
	case len(c.Remote.Destinations) > 0:
		if f.noTarget {
			c.DestRule = destFile
		}
	default:
		c.Dest = operands[len(operands)-1]
		c.Sources = operands[:len(operands)-1]
		if f.noTarget {
			c.DestRule = destFile
		}
	}
	if f.stripSlashes {
		for i, s := range c.Sources {
			if t := strings.TrimRight(s, "/"); t != "" {
				c.Sources[i] = t
			} else if s != "" {
				c.Sources[i] = "/"
			}
		}
	}
	return f.resolveRoute(e)
}

// resolveRoute finds out whether an end is on another machine. Under the name cp
// none is: its operands are names of files, with colons or without.
func (f *folder) resolveRoute(e *env) (err error) {
	c := &f.cfg
	if !e.asCp() || len(c.Remote.Destinations) > 0 {
		if c.Route, err = routeOperands(c.Sources, c.Dest, c.Remote.Destinations); err != nil {
			return err
		}
	}
	if c.Route == nil {
		if c.Remote.Given != "" {
			return usagef("%s is for copies between machines, and both ends are on this one", c.Remote.Given)
		}
		return nil
	}
	return c.Remote.check(c.Route)
}
