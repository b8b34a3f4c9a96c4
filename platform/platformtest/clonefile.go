package platformtest

import "github.com/zccp/zccp/platform"

// CloneAt returns what stands for Calls.CloneAt of macOS on another system: a new file with
// the content, mode, times and attributes of the source, made by the calls of native, or
// nothing. It copies where those can't clone.
func CloneAt(native *platform.Calls) func(src, dir platform.FD, name platform.Name) error {
	return func(src, dir platform.FD, name platform.Name) error {
		var st platform.Stat
		if err := native.Fstat(src, &st); err != nil {
			return err
		}
		dst, err := native.Openat(dir, name, platform.WriteOnly|platform.Create|platform.Exclusive|platform.NoFollow, 0o600)
		if err != nil {
			return err
		}
		defer native.Close(dst)
		if err = cloneContent(native, dst, src, st.Size); err == nil {
			cloneAttributes(native, dst, src)
			if err = native.Fchmod(dst, st.Mode&platform.ModeBits); err == nil {
				err = native.Futimens(dst, st.Atime, st.Mtime)
			}
		}
		if err != nil {
			native.Unlinkat(dir, name)
		}
		return err
	}
}

// cloneContent keeps holes, as every clone does.
func cloneContent(c *platform.Calls, dst, src platform.FD, size int64) error {
	if c.Clone(dst, src) == nil {
		return nil
	}
	buf := make([]byte, 1<<20)
	for off := int64(0); off < size; {
		data, err := c.Lseek(src, off, platform.SeekData)
		if platform.NoMoreData(err) {
			break
		}
		if err != nil {
			return err
		}
		hole, err := c.Lseek(src, data, platform.SeekHole)
		if err != nil {
			return err
		}
		for off = data; off < hole; {
			n, err := c.Pread(src, buf[:min(int64(len(buf)), hole-off)], off)
			if err != nil || n == 0 {
				return err
			}
			if n, err = c.Pwrite(dst, buf[:n], off); err != nil {
				return err
			}
			off += int64(n)
		}
	}
	return c.Ftruncate(dst, size)
}

func cloneAttributes(c *platform.Calls, dst, src platform.FD) {
	list, value := make([]byte, 64<<10), make([]byte, 64<<10)
	n, err := c.Flistxattr(src, list)
	if err != nil {
		return
	}
	for list = list[:n]; len(list) > 0; {
		end := 0
		for list[end] != 0 {
			end++
		}
		attr := platform.Name(list[:end+1])
		list = list[end+1:]
		if n, err := c.Fgetxattr(src, attr, value); err == nil {
			c.Fsetxattr(dst, attr, value[:n])
		}
	}
}
