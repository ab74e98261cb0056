package s3_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/returnpoint/returnpoint/shared/blob/blobtest"
	"github.com/returnpoint/returnpoint/shared/blob/s3"
)

var credentials = aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"}

// server speaks as much of the protocol of S3 as a Bucket uses: objects, ranges,
// copies, lists, uploads in parts, and presigned URLs, whose signatures it proves.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
type server struct {
	bucket string
	now    func() time.Time

	mu      sync.Mutex
	objects map[string]object
	uploads map[string]map[int][]byte
	writes  int
}

type object struct {
	body    []byte
	kind    string
	changed time.Time
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if bucket != s.bucket {
		s.fail(w, 404, "NoSuchBucket")
		return
	}
	if q.Has("X-Amz-Signature") {
		if !s.signed(r) {
			s.fail(w, 403, "SignatureDoesNotMatch")
			return
		}
	} else if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		s.fail(w, 403, "AccessDenied")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.fail(w, 400, "IncompleteBody")
		return
	}
	switch {
	case key == "" && r.Method == http.MethodGet && q.Get("list-type") == "2":
		s.list(w, q)
	case r.Method == http.MethodPost && q.Has("uploads"):
		s.writes++
		id := fmt.Sprint("upload-", s.writes)
		s.uploads[id] = map[int][]byte{}
		s.answer(w, struct {
			XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
			UploadID string   `xml:"UploadId"`
		}{UploadID: id})
	case q.Has("uploadId"):
		s.part(w, r, q, key, body)
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") != "":
		from, err := url.QueryUnescape(r.Header.Get("X-Amz-Copy-Source"))
		o, ok := s.objects[strings.TrimPrefix(from, bucket+"/")]
		if err != nil || !ok {
			s.fail(w, 404, "NoSuchKey")
			return
		}
		s.put(key, o.body, o.kind)
		s.answer(w, struct {
			XMLName xml.Name `xml:"CopyObjectResult"`
			ETag    string
		}{ETag: etag(o.body)})
	case r.Method == http.MethodPut:
		s.put(key, body, r.Header.Get("Content-Type"))
		w.Header().Set("ETag", etag(body))
	case r.Method == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		s.get(w, r, q, key)
	default:
		s.fail(w, 405, "MethodNotAllowed")
	}
}

func (s *server) put(key string, body []byte, kind string) {
	s.objects[key] = object{body, kind, s.now().UTC().Truncate(time.Second)}
}

func (s *server) part(w http.ResponseWriter, r *http.Request, q url.Values, key string, body []byte) {
	parts, known := s.uploads[q.Get("uploadId")]
	if !known {
		s.fail(w, 404, "NoSuchUpload")
		return
	}
	switch r.Method {
	case http.MethodPut:
		n, err := strconv.Atoi(q.Get("partNumber"))
		if err != nil || n < 1 || n > 10000 {
			s.fail(w, 400, "InvalidArgument")
			return
		}
		parts[n] = body
		w.Header().Set("ETag", etag(body))
	case http.MethodDelete:
		delete(s.uploads, q.Get("uploadId"))
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPost:
		var done struct {
			Part []struct {
				ETag       string
				PartNumber int
			}
		}
		if err := xml.Unmarshal(body, &done); err != nil || len(done.Part) == 0 {
			s.fail(w, 400, "MalformedXML")
			return
		}
		var whole []byte
		for i, p := range done.Part {
			if etag(parts[p.PartNumber]) != p.ETag {
				s.fail(w, 400, "InvalidPart")
				return
			}
			if len(parts[p.PartNumber]) < 5<<20 && i < len(done.Part)-1 {
				s.fail(w, 400, "EntityTooSmall")
				return
			}
			whole = append(whole, parts[p.PartNumber]...)
		}
		s.put(key, whole, "")
		delete(s.uploads, q.Get("uploadId"))
		s.answer(w, struct {
			XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
			ETag    string
		}{ETag: etag(whole)})
	}
}

func (s *server) get(w http.ResponseWriter, r *http.Request, q url.Values, key string) {
	o, ok := s.objects[key]
	if !ok {
		s.fail(w, 404, "NoSuchKey")
		return
	}
	if from, ranged := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ranged {
		if n, err := strconv.Atoi(strings.TrimSuffix(from, "-")); err != nil || n >= len(o.body) {
			s.fail(w, 416, "InvalidRange")
			return
		}
	}
	w.Header().Set("ETag", etag(o.body))
	w.Header().Set("Content-Type", cmp.Or(q.Get("response-content-type"), o.kind, "binary/octet-stream"))
	if d := q.Get("response-content-disposition"); d != "" {
		w.Header().Set("Content-Disposition", d)
	}
	http.ServeContent(w, r, "", o.changed, bytes.NewReader(o.body))
}

// list gives pages of two, so that a Bucket has to ask on.
func (s *server) list(w http.ResponseWriter, q url.Values) {
	type content struct {
		Key          string
		LastModified string
		ETag         string
		Size         int
	}
	page := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		Contents              []content
		NextContinuationToken string `xml:",omitempty"`
	}{}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if !strings.HasPrefix(key, q.Get("prefix")) || key <= q.Get("continuation-token") {
			continue
		}
		if len(page.Contents) == 2 {
			page.IsTruncated, page.NextContinuationToken = true, page.Contents[1].Key
			break
		}
		o := s.objects[key]
		page.Contents = append(page.Contents, content{key, o.changed.Format("2006-01-02T15:04:05.000Z"), etag(o.body), len(o.body)})
	}
	s.answer(w, page)
}

// signed proves a presigned URL by signing what it allows again.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
func (s *server) signed(r *http.Request) bool {
	q := r.URL.Query()
	at, err := time.Parse("20060102T150405Z", q.Get("X-Amz-Date"))
	life, bad := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil || bad != nil || !s.now().Before(at.Add(time.Duration(life)*time.Second)) {
		return false
	}
	given, headers := q.Get("X-Amz-Signature"), strings.Split(q.Get("X-Amz-SignedHeaders"), ";")
	for _, name := range []string{"X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Credential", "X-Amz-Algorithm"} {
		q.Del(name)
	}
	again, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.URL.EscapedPath()+"?"+q.Encode(), nil)
	if err != nil {
		return false
	}
	for _, name := range headers {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = r.ContentLength
		default:
			again.Header.Set(name, r.Header.Get(name))
		}
	}
	signed, _, err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).
		PresignHTTP(r.Context(), credentials, again, "UNSIGNED-PAYLOAD", "s3", "eu-central-1", at)
	if err != nil {
		return false
	}
	u, err := url.Parse(signed)
	return err == nil && u.Query().Get("X-Amz-Signature") == given
}

func (s *server) answer(w http.ResponseWriter, v any) {
	raw, err := xml.Marshal(v)
	if err != nil {
		s.fail(w, 500, "InternalError")
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write(raw)
}

func (s *server) fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>as it is</Message></Error>", code)
}

func etag(b []byte) string {
	sum := sha256.Sum256(b)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// open is a bucket on a server of its own.
func open(t *testing.T) (blobtest.Place, *server) {
	t.Helper()
	var mu sync.Mutex
	var ahead time.Duration
	now := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(ahead)
	}
	s := &server{bucket: "files", now: now, objects: map[string]object{}, uploads: map[string]map[int][]byte{}}
	up := httptest.NewServer(s)
	t.Cleanup(up.Close)
	cfg := aws.Config{Region: "eu-central-1", BaseEndpoint: aws.String(up.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil })}
	return blobtest.Place{Files: s3.New(cfg, "files", now), Now: now, Pass: func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		ahead += d
	}}, s
}

func TestABucketKeepsWhatEveryPlaceOfFilesPromises(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blobtest.Place {
		p, s := open(t)
		t.Cleanup(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.uploads) > 0 {
				t.Errorf("%d uploads in parts were begun and neither ended nor given up", len(s.uploads))
			}
		})
		return p
	})
}

func TestTheFoldersOfAConsoleAreNoFiles(t *testing.T) {
	p, s := open(t)
	s.put("inbox/demo/", nil, "")
	s.put("inbox/demo/base.csv", []byte("x"), "")
	list, err := p.List(t.Context(), "inbox/")
	if err != nil || len(list) != 1 || list[0].Name != "inbox/demo/base.csv" {
		t.Errorf("it lists %v (%v)", list, err)
	}
}
