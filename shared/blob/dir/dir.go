// Package dir keeps files in a folder of one machine. A file is there as a whole
// or not at all: it is written beside its place, synced, and renamed into it. No
// name leads out of the folder, not even by a symbolic link in it (os.Root).
//
// Upload and download URLs lead to the adapter's own handler. A URL holds what
// it allows, until when, and a signature over both; whoever has it needs no
// other right, and can do nothing else with it.
package dir

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/load"
)

var _ load.Files = (*Dir)(nil)

// Options are what a Dir is made of.
type Options struct {
	// Base is the URL under which Handler stands, without a slash at its end.
	Base string
	// Key signs the URLs: 32 bytes at least.
	Key []byte
	// Now is the clock that URLs end by, and Disk that of the files' times.
	Now, Disk func() time.Time
	// Most is how many bytes an upload may have; 0 is 4 GB.
	Most int64
	// Only are the folders in the folder that names may begin with; nil for any.
	// What else lies there is somebody else's.
	Only []string
	// Stored is told the name of each file that was uploaded; nil for nobody.
	Stored func(name string)
}

// Dir is a folder of files.
type Dir struct {
	root *os.Root
	Options
}

// Path is where Handler is to stand.
const Path = "/_files/"

// incoming holds what is being written; no name of a file begins so.
const incoming = ".incoming"

const (
	most     = 4 << 30
	listed   = 1000
	mode     = 0o600
	dirMode  = 0o700
	longName = 1024
)

// Open opens the folder, or makes it, and clears away what a crash has left half written.
func Open(folder string, o Options) (*Dir, error) {
	if len(o.Key) < 32 {
		return nil, dental.Errorf(dental.Invalid, "", "dir: the key of URLs needs at least 32 bytes")
	}
	if err := os.MkdirAll(folder, dirMode); err != nil {
		return nil, fmt.Errorf("dir: make the folder: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("dir: open the folder: %w", err)
	}
	d := &Dir{root: root, Options: o}
	d.Most = cmp.Or(d.Most, most)
	err = errors.Join(root.RemoveAll(incoming), root.Mkdir(incoming, dirMode))
	if err != nil {
		return nil, fmt.Errorf("dir: clear what was half written: %w", errors.Join(err, root.Close()))
	}
	return d, nil
}

// Close lets go of the folder.
func (d *Dir) Close() error { return d.root.Close() }

// Make makes an empty folder for others to lay files into.
func (d *Dir) Make(name string) error {
	if err := d.valid(name); err != nil {
		return err
	}
	if err := d.root.MkdirAll(name, dirMode); err != nil {
		return fmt.Errorf("dir: make a folder: %w", err)
	}
	return nil
}

// valid refuses what is no name: what is not below the folder, or hidden in it, or not Only.
func (d *Dir) valid(name string) error {
	first, _, _ := strings.Cut(name, "/")
	bad := len(d.Only) > 0 && !slices.Contains(d.Only, first) || len(name) > longName || !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "\\\x00")
	for segment := range strings.SplitSeq(name, "/") {
		bad = bad || strings.HasPrefix(segment, ".") || len(segment) > 255
	}
	if bad {
		return dental.Errorf(dental.Invalid, "", "dir: this is no name of a file")
	}
	return nil
}

// failed gives what went wrong the kind that the port asks for.
func failed(what string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &dental.Error{Kind: dental.NotFound, Message: "there is no such file", Err: fmt.Errorf("dir: %s: %w", what, err)}
	}
	return &dental.Error{Kind: dental.Unavailable, Message: "the files cannot be reached just now", Err: fmt.Errorf("dir: %s: %w", what, err)}
}

// Put implements load.Files.
func (d *Dir) Put(ctx context.Context, name string, body io.Reader) error {
	if err := d.valid(name); err != nil {
		return err
	}
	temporary := path.Join(incoming, rand.Text())
	f, err := d.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return failed("write a file", err)
	}
	_, err = io.Copy(f, withContext(ctx, body))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = d.rename(temporary, name)
	}
	if err != nil {
		_ = d.root.Remove(temporary) // cleared at the next start otherwise
		if known, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return known
		}
		return failed("write a file", err)
	}
	return nil
}

// rename gives a file its name and makes that last: the folders that hold the
// name are synced, the new ones among them.
func (d *Dir) rename(from, to string) error {
	folder := path.Dir(to)
	if err := d.root.MkdirAll(folder, dirMode); err != nil {
		return err
	}
	if err := d.root.Rename(from, to); err != nil {
		return err
	}
	for ; ; folder = path.Dir(folder) {
		if err := d.sync(folder); err != nil {
			return err
		}
		if folder == "." {
			return nil
		}
	}
}

func (d *Dir) sync(folder string) error {
	f, err := d.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// withContext ends a long copy with its context.
func withContext(ctx context.Context, r io.Reader) io.Reader {
	return readFunc(func(b []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(b)
	})
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(b []byte) (int, error) { return f(b) }

// Open implements load.Files.
func (d *Dir) Open(ctx context.Context, name string, from int64) (io.ReadCloser, error) {
	f, _, err := d.open(name)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return nil, failed("read a file", errors.Join(err, f.Close()))
	}
	return struct {
		io.Reader
		io.Closer
	}{withContext(ctx, f), f}, nil
}

func (d *Dir) open(name string) (*os.File, fs.FileInfo, error) {
	if err := d.valid(name); err != nil {
		return nil, nil, err
	}
	f, err := d.root.Open(name)
	if err != nil {
		return nil, nil, failed("open a file", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, nil, failed("open a file", errors.Join(err, f.Close()))
	}
	return f, info, nil
}

// Size implements load.Files.
func (d *Dir) Size(_ context.Context, name string) (int64, error) {
	if err := d.valid(name); err != nil {
		return 0, err
	}
	info, err := d.root.Lstat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return 0, failed("look at a file", err)
	}
	return info.Size(), nil
}

// List implements load.Files. A name that no other method would take, as of a
// hidden file, and what is no plain file, a link for one, is not listed.
func (d *Dir) List(ctx context.Context, prefix string) ([]load.Stored, error) {
	folder := "."
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		folder = prefix[:i]
	}
	if folder != "." {
		if err := d.valid(folder); err != nil {
			return nil, err
		}
	}
	var out []load.Stored
	err := fs.WalkDir(d.root.FS(), folder, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // it has gone meanwhile, or there is no such folder
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case entry.IsDir() && name != "." && d.valid(name) != nil:
			return fs.SkipDir
		case !entry.Type().IsRegular() || !strings.HasPrefix(name, prefix) || d.valid(name) != nil:
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		out = append(out, load.Stored{Name: name, Size: info.Size(), Mark: strconv.FormatInt(info.ModTime().UnixNano(), 36), Still: d.Disk().Sub(info.ModTime())})
		return nil
	})
	if err != nil {
		return nil, failed("list the files", err)
	}
	// A walk goes by folders, and a slash sorts behind some signs.
	slices.SortFunc(out, func(a, b load.Stored) int { return strings.Compare(a.Name, b.Name) })
	return out[:min(len(out), listed)], nil
}

// Move implements load.Files.
func (d *Dir) Move(_ context.Context, from, to string) error {
	if err := cmp.Or(d.valid(from), d.valid(to)); err != nil {
		return err
	}
	info, err := d.root.Lstat(from)
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err == nil {
		err = d.rename(from, to)
	}
	if err == nil {
		err = d.sync(path.Dir(from))
	}
	if err != nil {
		return failed("move a file", err)
	}
	return nil
}

// Delete implements load.Files.
func (d *Dir) Delete(_ context.Context, name string) error {
	if err := d.valid(name); err != nil {
		return err
	}
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed("delete a file", err)
	}
	return nil
}

// Clear deletes the files under a prefix that are older than keep.
func (d *Dir) Clear(ctx context.Context, prefix string, keep time.Duration) error {
	old, err := d.List(ctx, prefix)
	if err != nil {
		return err
	}
	for _, f := range old {
		if f.Still > keep {
			if err := d.Delete(ctx, f.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// grant is what a URL allows.
type grant struct {
	Do    string `json:"d"` // put or get
	Name  string `json:"n"`
	What  string `json:"w,omitempty"` // the content type of a put, the file name of a get
	Until int64  `json:"u"`           // Unix seconds
}

const (
	put = "put"
	get = "get"
)

// UploadURL implements load.Files.
func (d *Dir) UploadURL(_ context.Context, name, contentType string, until time.Time) (string, error) {
	return d.url(grant{put, name, contentType, until.Unix()})
}

// DownloadURL implements load.Files.
func (d *Dir) DownloadURL(_ context.Context, name, as string, until time.Time) (string, error) {
	return d.url(grant{get, name, as, until.Unix()})
}

func (d *Dir) url(g grant) (string, error) {
	if err := d.valid(g.Name); err != nil {
		return "", err
	}
	raw, err := json.Marshal(g)
	if err != nil {
		return "", fmt.Errorf("dir: write a URL: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(raw)
	return d.Base + Path + text + "." + d.sign(text), nil
}

func (d *Dir) sign(text string) string {
	mac := hmac.New(sha256.New, d.Key)
	_, _ = mac.Write([]byte(text)) // it never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// granted reads a URL's token; false: it is none of ours, or over.
func (d *Dir) granted(token string) (g grant, ok bool) {
	text, signature, _ := strings.Cut(token, ".")
	if !hmac.Equal([]byte(signature), []byte(d.sign(text))) {
		return g, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(raw, &g) != nil {
		return g, false
	}
	return g, d.Now().Unix() < g.Until
}

// Handler serves the URLs. What it does not grant is answered 403, as a bucket
// answers it. Whoever serves it bounds how long a request may take.
func (d *Dir) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		g, ok := d.granted(strings.TrimPrefix(r.URL.Path, Path))
		switch {
		case ok && g.Do == put && r.Method == http.MethodPut:
			d.upload(w, r, g)
		case ok && g.Do == get && (r.Method == http.MethodGet || r.Method == http.MethodHead):
			d.download(w, r, g)
		default:
			http.Error(w, "this URL does not allow it, or does so no longer", http.StatusForbidden)
		}
	})
}

// upload stores what comes, streamed to the disk.
func (d *Dir) upload(w http.ResponseWriter, r *http.Request, g grant) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if want, _, _ := mime.ParseMediaType(g.What); err != nil || kind != want {
		http.Error(w, "the Content-Type is not the one that the URL was made for", http.StatusForbidden)
		return
	}
	if r.ContentLength > d.Most {
		http.Error(w, "the file is too large", http.StatusRequestEntityTooLarge)
		return
	}
	err = d.Put(r.Context(), g.Name, http.MaxBytesReader(w, r.Body, d.Most))
	_, large := errors.AsType[*http.MaxBytesError](err)
	switch {
	case large:
		http.Error(w, "the file is too large", http.StatusRequestEntityTooLarge)
	case err != nil:
		http.Error(w, "the file could not be stored; send it again", http.StatusServiceUnavailable)
	default:
		if d.Stored != nil {
			d.Stored(g.Name)
		}
		w.WriteHeader(http.StatusOK)
	}
}

// download sends a file under the name that the URL was made for.
func (d *Dir) download(w http.ResponseWriter, r *http.Request, g grant) {
	f, info, err := d.open(g.Name)
	if err != nil {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	defer func() { _ = f.Close() }() // it was only read
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": g.What}))
	http.ServeContent(w, r, "", info.ModTime(), f)
}
