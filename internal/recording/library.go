package recording

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
)

// ErrNotFound says that there is no such recording, or not any more.
var ErrNotFound = errors.New("recording: not found")

const (
	suffix     = ".wav"
	partSuffix = ".part" // while the call is up
)

// Library is where recordings are.
type Library struct {
	dir    string
	s3     *minio.Client // nil: files only
	bucket string
	prefix string
}

// NewLibrary keeps recordings under dir, which it makes.
func NewLibrary(dir string) (*Library, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("recording: folder: %w", err)
	}
	return &Library{dir: dir}, nil
}

// WithS3 lets recordings move to a bucket, under a prefix such as "recordings/", and be read from there.
func (l *Library) WithS3(client *minio.Client, bucket, prefix string) *Library {
	l.s3, l.bucket, l.prefix = client, bucket, prefix
	return l
}

// InStore reports whether recordings move to an S3-compatible store.
func (l *Library) InStore() bool { return l.s3 != nil }

// key is where a recording is, below the folder or the prefix. Calltraceids grow with time and their last eleven digits
// count about seven hours, so a folder holds the calls of that time.
func key(trace string) (string, error) {
	if trace == "" || len(trace) > 20 || strings.Trim(trace, "0123456789") != "" {
		return "", fmt.Errorf("recording: calltraceid %q: want 1 to 20 decimal digits", trace)
	}
	folder := "0"
	if n := len(trace) - 11; n > 0 {
		folder = trace[:n]
	}
	return folder + "/" + trace + suffix, nil
}

// Path is the local file of a call.
func (l *Library) Path(trace string) (string, error) {
	k, err := key(trace)
	if err != nil {
		return "", err
	}
	return filepath.Join(l.dir, filepath.FromSlash(k)), nil
}

// Content is an opened recording.
type Content struct {
	io.ReadSeekCloser
	ModTime time.Time
}

// Open finds a call's recording here or in the store. A call that is still up has none.
func (l *Library) Open(ctx context.Context, trace string) (Content, error) {
	path, err := l.Path(trace)
	if err != nil {
		return Content{}, ErrNotFound
	}
	file, err := os.Open(path)
	if err == nil {
		info, err := file.Stat()
		if err != nil {
			return Content{}, errors.Join(fmt.Errorf("recording: open: %w", err), file.Close())
		}
		return Content{file, info.ModTime()}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return Content{}, fmt.Errorf("recording: open: %w", err)
	}
	if l.s3 == nil {
		return Content{}, ErrNotFound
	}
	k, _ := key(trace)
	object, err := l.s3.GetObject(ctx, l.bucket, l.prefix+k, minio.GetObjectOptions{})
	if err != nil {
		return Content{}, fmt.Errorf("recording: open in store: %w", err)
	}
	info, err := object.Stat()
	if err != nil {
		_ = object.Close()
		if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
			return Content{}, ErrNotFound
		}
		return Content{}, fmt.Errorf("recording: open in store: %w", err)
	}
	return Content{object, info.LastModified}, nil
}

// Upload moves a finished recording to the store. It may be repeated: a recording that is there already is fine.
func (l *Library) Upload(ctx context.Context, trace string) error {
	path, err := l.Path(trace)
	if err != nil {
		return err
	}
	k, _ := key(trace)
	// MD5 guards the content in every S3-compatible store; signatures chunk by chunk are not understood by all of them.
	options := minio.PutObjectOptions{ContentType: "audio/wav", SendContentMd5: true, DisableContentSha256: true}
	_, err = l.s3.FPutObject(ctx, l.bucket, l.prefix+k, path, options)
	if errors.Is(err, fs.ErrNotExist) {
		if _, statErr := l.s3.StatObject(ctx, l.bucket, l.prefix+k, minio.StatObjectOptions{}); statErr == nil {
			return nil // an earlier try got it there, and removed the file
		}
		return fmt.Errorf("recording: upload: %w: %s", ErrNotFound, path)
	}
	if err != nil {
		return fmt.Errorf("recording: upload: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("recording: uploaded, but not removed here: %w", err)
	}
	return nil
}

// Recover finishes, after a crash, what was being recorded: headers are made true and files get their final names. It
// answers the calltraceids. Call it before any call begins.
func (l *Library) Recover() ([]string, error) {
	var traces []string
	err := l.walk(suffix+partSuffix, func(path string, _ fs.FileInfo) error {
		if err := repair(path); errors.Is(err, errNotOurs) {
			return os.Remove(path) // killed before the header was written: there is no sound in it
		} else if err != nil {
			return err
		}
		final := strings.TrimSuffix(path, partSuffix)
		traces = append(traces, strings.TrimSuffix(filepath.Base(final), suffix))
		return os.Rename(path, final)
	})
	return traces, err
}

// Waiting lists the calltraceids of finished recordings that are still on this machine, oldest first.
func (l *Library) Waiting() ([]string, error) {
	var traces []string
	err := l.walk(suffix, func(path string, _ fs.FileInfo) error {
		traces = append(traces, strings.TrimSuffix(filepath.Base(path), suffix))
		return nil
	})
	return traces, err
}

// Remove removes a recording, here and, if that is asked for, in the store. One that is not there is fine.
func (l *Library) Remove(ctx context.Context, trace string, inStore bool) error {
	path, err := l.Path(trace)
	if err != nil {
		return nil // no recording of ours is called so
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("recording: remove: %w", err)
	}
	if l.s3 == nil || !inStore {
		return nil
	}
	k, _ := key(trace)
	if err := l.s3.RemoveObject(ctx, l.bucket, l.prefix+k, minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("recording: remove from store: %w", err)
	}
	return nil
}

// Prune removes recordings that ended before the moment given and that may be forgotten, here; a store's retention is its own
// lifecycle rule. Of each thousand of them it asks once which may be forgotten. It returns how many are gone.
func (l *Library) Prune(ctx context.Context, before time.Time, forget func(traces []string) ([]string, error)) (n int,
	err error) {
	const batch = 1000
	old := map[string]string{} // path by calltraceid
	prune := func() error {
		traces, err := forget(slices.Sorted(maps.Keys(old)))
		if err != nil {
			return err
		}
		for _, trace := range traces {
			if err := os.Remove(old[trace]); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("recording: remove: %w", err)
			}
			n++
		}
		clear(old)
		return nil
	}
	err = l.walk(suffix, func(path string, info fs.FileInfo) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !info.ModTime().Before(before) {
			return nil
		}
		old[strings.TrimSuffix(filepath.Base(path), suffix)] = path
		if len(old) < batch {
			return nil
		}
		return prune()
	})
	if err == nil && len(old) > 0 {
		err = prune()
	}
	return n, err
}

func (l *Library) walk(suffix string, visit func(path string, info fs.FileInfo) error) error {
	err := filepath.WalkDir(l.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // moved meanwhile
		}
		if err != nil {
			return err
		}
		return visit(path, info)
	})
	if err != nil {
		return fmt.Errorf("recording: folder: %w", err)
	}
	return nil
}
