package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// remoteWay is a program with a server that it copies to.
type remoteWay struct {
	name string
	// argv copies what stands for srcPlace to the server, under the name that
	// stands for dstPlace.
	argv []string
	// farTime returns the processor time of the server since it was asked last.
	farTime func() (time.Duration, error)
}

func (w *remoteWay) command(src, dst string) []string {
	return contender{argv: w.argv}.command(src, dst)
}

// The ways. The ratios of the first three are to rsyncDaemon and rsyncSSH.
const (
	zccpPlain   = "zccp-plain"
	zccpTLS     = "zccp-tls"
	zccpSSH     = "zccp-ssh"
	zccpRead    = "zccp-read-write"
	rsyncDaemon = "rsync-daemon"
	rsyncSSH    = "rsync-ssh"
)

func remoteWays() []string {
	return []string{zccpPlain, zccpTLS, zccpSSH, rsyncDaemon, rsyncSSH}
}

// remoteServers are those that the ways need, as far as they were started.
type remoteServers struct {
	ctx    context.Context
	self   string
	keys   string // directory for their files
	root   string // of what is copied to
	closes []func() error

	ssh *sshHost
	own *ownServer
}

// startWays starts what the ways need. stop ends it.
func startWays(ctx context.Context, names []string, keys, root string) (ways []*remoteWay, stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	s := &remoteServers{ctx: ctx, self: self, keys: keys, root: root}
	for _, name := range names {
		way, err := s.way(name)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("%s: %w", name, err), s.stop())
		}
		ways = append(ways, way)
	}
	return ways, s.stop, nil
}

func (s *remoteServers) stop() (err error) {
	for _, c := range slices.Backward(s.closes) {
		err = errors.Join(err, c())
	}
	return err
}

// way starts what one needs.
func (s *remoteServers) way(name string) (*remoteWay, error) {
	w := &remoteWay{name: name}
	switch name {
	case zccpPlain, zccpTLS:
		if err := s.needOwn(); err != nil {
			return nil, err
		}
		security := "--security=tls"
		if name == zccpPlain {
			security = "--security=plain"
		}
		w.argv = slices.Concat([]string{s.self, "sync", "-a", security}, s.own.options, []string{srcPlace, s.own.url + dstPlace + s.own.query})
		w.farTime = s.own.take
	case zccpSSH, rsyncSSH:
		if err := s.needSSH(); err != nil {
			return nil, err
		}
		target := sshHostName + ":" + filepath.Join(s.root, dstPlace)
		shell := s.ssh.words[0] + " " + s.ssh.words[1] + " " + s.ssh.words[2]
		w.argv = []string{"rsync", "-a", "-e", shell, srcPlace, target}
		if name == zccpSSH {
			w.argv = []string{s.self, "sync", "-a", "--ssh=" + shell, "--remote-zccp=" + s.self, srcPlace, target}
		}
		w.farTime = s.ssh.take
	case rsyncDaemon:
		d, err := startRsyncd(s.ctx, s.keys, s.root)
		if err != nil {
			return nil, err
		}
		s.closes = append(s.closes, func() error { d.close(); return nil })
		w.argv = []string{"rsync", "-a", srcPlace, fmt.Sprintf("rsync://127.0.0.1:%d/%s/%s", d.port(), exportName, dstPlace)}
		w.farTime = d.take
	}
	return w, nil
}

func (s *remoteServers) needSSH() (err error) {
	if s.ssh == nil {
		if s.ssh, err = startSSHD(s.ctx, s.keys, filepath.Dir(s.self)); err == nil {
			s.closes = append(s.closes, func() error { s.ssh.close(); return nil })
		}
	}
	return err
}

func (s *remoteServers) needOwn() (err error) {
	if s.own == nil {
		if s.own, err = startOwn(s.ctx, s.self, s.keys, s.root); err == nil {
			s.closes = append(s.closes, s.own.close)
		}
	}
	return err
}
