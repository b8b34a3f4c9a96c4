package filter

type gitFile struct{ depth int }

func parseGit(contents []byte, depth int) gitFile { return gitFile{depth} }

type gitDir struct {
	files []gitFile
}

func (g *gitDir) enter(name []byte, read func(string) ([]byte, error)) (*gitDir, error) {
	return g, nil
}
func (g *gitDir) ignored(name []byte, isDir bool) bool { return false }
