// Package s3 keeps files in a bucket of Amazon S3, or of a service that speaks
// its protocol. URLs are presigned by the function's own credentials, so they end
// with those at the latest.
package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/load"
)

var _ load.Files = (*Bucket)(nil)

// Bucket is a bucket of files.
type Bucket struct {
	client *s3.Client
	sign   *s3.PresignClient
	bucket string
	clock  func() time.Time
}

// piece is how much of a file of unknown length is in memory at a time: what is
// longer goes up in parts of so much, of which there may be 10,000, and all but
// the last have to be of 5 MB at least.
const piece = 8 << 20

// listed is what one call lists at most.
const listed = 1000

// New makes a Bucket. Where the configuration names an endpoint, the bucket
// stands in the path, which every compatible service knows.
func New(cfg aws.Config, bucket string, clock func() time.Time) *Bucket {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = cfg.BaseEndpoint != nil
		// Checksums beyond what the protocol has always had are unknown to many of
		// the compatible services, and a browser that PUTs a file computes none.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	return &Bucket{client: client, sign: s3.NewPresignClient(client), bucket: bucket, clock: clock}
}

// valid refuses what the port takes for no name; S3 itself would take it.
func valid(name string) error {
	if name == "" || len(name) > 1024 || name != path.Clean(name) || name[0] == '/' || strings.ContainsAny(name, "\\\x00") {
		return errName
	}
	for segment := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(segment, ".") {
			return errName
		}
	}
	return nil
}

var errName = dental.Errorf(dental.Invalid, "", "s3: this is no name of a file")

// failed gives what went wrong the kind that the port asks for.
func failed(what string, err error) error {
	err = fmt.Errorf("s3: %s: %w", what, err)
	if slices.Contains([]string{"NoSuchKey", "NotFound"}, code(err)) {
		return &dental.Error{Kind: dental.NotFound, Message: "there is no such file", Err: err}
	}
	return &dental.Error{Kind: dental.Unavailable, Message: "the files cannot be reached just now", Err: err}
}

// code is S3's word for what went wrong; not all of its operations have a type for each.
func code(err error) string {
	if known, ok := errors.AsType[interface {
		error
		ErrorCode() string
	}](err); ok {
		return known.ErrorCode()
	}
	return ""
}

// Put implements load.Files.
func (b *Bucket) Put(ctx context.Context, name string, body io.Reader) error {
	if err := valid(name); err != nil {
		return err
	}
	buffer := make([]byte, piece)
	n, err := io.ReadFull(body, buffer)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		_, err = b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.bucket, Key: &name, Body: bytes.NewReader(buffer[:n])})
	case err == nil:
		err = b.parts(ctx, name, buffer, body)
	}
	if err != nil {
		return failed("write a file", err)
	}
	return nil
}

// parts writes a file of which the first piece is in the buffer.
func (b *Bucket) parts(ctx context.Context, name string, buffer []byte, rest io.Reader) error {
	begun, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b.bucket, Key: &name})
	if err != nil {
		return err
	}
	var done []types.CompletedPart
	for n, more := len(buffer), true; n > 0; {
		number := int32(len(done) + 1)
		part, err := b.client.UploadPart(ctx, &s3.UploadPartInput{Bucket: &b.bucket, Key: &name, UploadId: begun.UploadId, PartNumber: &number, Body: bytes.NewReader(buffer[:n])})
		if err == nil {
			done = append(done, types.CompletedPart{ETag: part.ETag, PartNumber: &number})
			if n = 0; more {
				n, err = io.ReadFull(rest, buffer)
				if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
					more, err = false, nil
				}
			}
		}
		if err != nil {
			_, left := b.client.AbortMultipartUpload(context.WithoutCancel(ctx), &s3.AbortMultipartUploadInput{Bucket: &b.bucket, Key: &name, UploadId: begun.UploadId})
			return errors.Join(err, left)
		}
	}
	_, err = b.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &b.bucket, Key: &name, UploadId: begun.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: done}})
	return err
}

// Open implements load.Files.
func (b *Bucket) Open(ctx context.Context, name string, from int64) (io.ReadCloser, error) {
	if err := valid(name); err != nil {
		return nil, err
	}
	in := &s3.GetObjectInput{Bucket: &b.bucket, Key: &name}
	if from > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", from))
	}
	out, err := b.client.GetObject(ctx, in)
	if err != nil {
		if code(err) == "InvalidRange" { // from the very end on, or beyond it
			return io.NopCloser(bytes.NewReader(nil)), nil
		}
		return nil, failed("open a file", err)
	}
	return out.Body, nil
}

// Size implements load.Files.
func (b *Bucket) Size(ctx context.Context, name string) (int64, error) {
	if err := valid(name); err != nil {
		return 0, err
	}
	head, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.bucket, Key: &name})
	if err != nil {
		return 0, failed("look at a file", err)
	}
	return aws.ToInt64(head.ContentLength), nil
}

// List implements load.Files. The empty objects by which consoles show folders
// are not listed.
func (b *Bucket) List(ctx context.Context, prefix string) ([]load.Stored, error) {
	var out []load.Stored
	in := &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: &prefix, MaxKeys: aws.Int32(listed)}
	for {
		page, err := b.client.ListObjectsV2(ctx, in)
		if err != nil {
			return nil, failed("list the files", err)
		}
		for _, o := range page.Contents {
			if name := aws.ToString(o.Key); valid(name) == nil {
				changed := aws.ToTime(o.LastModified)
				out = append(out, load.Stored{Name: name, Size: aws.ToInt64(o.Size), Mark: aws.ToString(o.ETag) + changed.UTC().Format(time.RFC3339Nano), Still: b.clock().Sub(changed)})
			}
		}
		if !aws.ToBool(page.IsTruncated) || len(out) >= listed {
			return out[:min(len(out), listed)], nil
		}
		in.ContinuationToken = page.NextContinuationToken
	}
}

// Move implements load.Files: a copy, then the end of the original. A break in
// between leaves both, and the next Move ends it. A file is of 5 GB at most.
func (b *Bucket) Move(ctx context.Context, from, to string) error {
	if err := errors.Join(valid(from), valid(to)); err != nil {
		return errName
	}
	source := (&url.URL{Path: b.bucket + "/" + from}).EscapedPath()
	// A plus stands for itself in a path and for a space in this header.
	source = strings.ReplaceAll(source, "+", "%2B")
	if _, err := b.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b.bucket, Key: &to, CopySource: &source}); err != nil {
		return failed("move a file", err)
	}
	return b.Delete(ctx, from)
}

// Delete implements load.Files.
func (b *Bucket) Delete(ctx context.Context, name string) error {
	if err := valid(name); err != nil {
		return err
	}
	if _, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.bucket, Key: &name}); err != nil {
		return failed("delete a file", err)
	}
	return nil
}

// UploadURL implements load.Files. The PUT has to bear the content type.
func (b *Bucket) UploadURL(ctx context.Context, name, contentType string, until time.Time) (string, error) {
	if err := valid(name); err != nil {
		return "", err
	}
	signed, err := b.sign.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: &b.bucket, Key: &name, ContentType: &contentType}, s3.WithPresignExpires(until.Sub(b.clock())))
	if err != nil {
		return "", failed("make an upload URL", err)
	}
	return signed.URL, nil
}

// DownloadURL implements load.Files.
func (b *Bucket) DownloadURL(ctx context.Context, name, as string, until time.Time) (string, error) {
	if err := valid(name); err != nil {
		return "", err
	}
	signed, err := b.sign.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &b.bucket, Key: &name,
		ResponseContentDisposition: aws.String(mime.FormatMediaType("attachment", map[string]string{"filename": as})),
		ResponseContentType:        aws.String("application/octet-stream")}, s3.WithPresignExpires(until.Sub(b.clock())))
	if err != nil {
		return "", failed("make a download URL", err)
	}
	return signed.URL, nil
}
