package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/consentimport/consentimport/importer"
)

// maxSocketPath is how long the path of a socket may be on every system.
const maxSocketPath = 100

// socketPath is the path of the control socket in a directory. Where it is too long for
// a socket it goes by way of the open directory, where the system has such a way; done
// closes that.
func socketPath(dir string) (path string, done func(), err error) {
	path = filepath.Join(dir, importer.ControlSocket)
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	short := fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), importer.ControlSocket)
	if _, err := os.Stat(filepath.Dir(short)); err != nil {
		return "", nil, errors.Join(fmt.Errorf("the path of %s is too long for a socket", dir), d.Close())
	}
	return short, func() { _ = d.Close() }, nil
}

// listenIn makes the control socket in a directory that this process has locked, in
// place of one that a killed run has left.
func listenIn(dir string) (l net.Listener, release func(), err error) {
	path, done, err := socketPath(dir)
	if err != nil {
		return nil, nil, err
	}
	dropSocket(path)
	if l, err = net.Listen("unix", path); err != nil {
		done()
		return nil, nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		done()
		return nil, nil, errors.Join(err, l.Close())
	}
	return l, func() { _ = l.Close(); done() }, nil
}

// dropSocket removes the control socket that a killed run has left; listening fails if it is
// still there.
func dropSocket(path string) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSocket != 0 {
		_ = os.Remove(path)
	}
}

// dialIn connects to the run in a directory.
func dialIn(ctx context.Context, dir string) (net.Conn, error) {
	path, done, err := socketPath(dir)
	if err != nil {
		return nil, err
	}
	defer done()
	return new(net.Dialer).DialContext(ctx, "unix", path)
}
