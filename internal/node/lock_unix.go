//go:build linux || darwin || freebsd || netbsd || openbsd

package node

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lockFolder keeps a second node out of a data folder whose node has its Redis inside: neither would see the other's agents and
// calls. The lock ends with the process, however it ends.
func lockFolder(folder string) (io.Closer, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(folder, "node.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		if err = f.Truncate(0); err == nil {
			_, err = fmt.Fprintln(f, os.Getpid())
		}
	} else if errors.Is(err, syscall.EWOULDBLOCK) {
		owner, _ := io.ReadAll(io.LimitReader(f, 20)) // to be told; it may not be written yet
		err = fmt.Errorf("another node runs in the data folder %s (process %s): stop it first, or give this one a folder of its "+
			"own by --data; "+
			"nodes that work together need redis.url and PostgreSQL", folder, strings.TrimSpace(string(owner)))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
