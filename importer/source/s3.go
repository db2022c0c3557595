package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

func isS3(path string) bool { return strings.HasPrefix(path, s3Scheme+"://") }

// s3Getter reads an object of S3, or of what speaks its language, by ranges that are
// guarded by its ETag.
type s3Getter struct {
	core        minio.Core
	bucket, key string
}

// awsEndpoint is where S3 is unless the environment says otherwise.
const awsEndpoint = "https://s3.amazonaws.com"

// newS3Getter configures access as the AWS tools are: AWS_ENDPOINT_URL_S3 or
// AWS_ENDPOINT_URL, AWS_REGION or AWS_DEFAULT_REGION, and as credentials
// AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, else the shared
// credentials file and AWS_PROFILE, else the role of the machine or the pod.
func newS3Getter(location string, access *Remote) (*s3Getter, error) {
	getenv := access.Getenv
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	first := func(names ...string) string {
		for _, n := range names {
			if v := getenv(n); v != "" {
				return v
			}
		}
		return ""
	}
	endpoint := first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "S3_ENDPOINT")
	if endpoint == "" {
		endpoint = awsEndpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != httpsScheme && u.Scheme != httpScheme {
		return nil, &remoteError{"cannot be read: AWS_ENDPOINT_URL is not an http or https URL", true}
	}
	if u.Scheme == httpScheme && !isLoopback(u.Hostname()) {
		return nil, &remoteError{"cannot be read: AWS_ENDPOINT_URL is not encrypted; http is for this machine alone", true}
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(location, s3Scheme+"://"), "/")
	creds := credentials.NewChainCredentials([]credentials.Provider{
		&credentials.FileAWSCredentials{Filename: getenv("AWS_SHARED_CREDENTIALS_FILE"), Profile: getenv("AWS_PROFILE")},
		&credentials.IAM{Client: &http.Client{Transport: http.DefaultTransport, Timeout: httpTimeout}},
	})
	if id := getenv("AWS_ACCESS_KEY_ID"); id != "" {
		creds = credentials.NewStaticV4(id, getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN"))
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds: creds, Secure: u.Scheme == httpsScheme, Region: first("AWS_REGION", "AWS_DEFAULT_REGION"),
		Transport: access.Transport, MaxRetries: 1, // what is asked again is asked here
	})
	if err != nil {
		return nil, &remoteError{"cannot be read: " + err.Error(), true}
	}
	return &s3Getter{core: minio.Core{Client: client}, bucket: bucket, key: key}, nil
}

func (g *s3Getter) get(ctx context.Context, from, n int64, tag string) (*part, error) {
	var opts minio.GetObjectOptions
	if err := opts.SetRange(from, from+n-1); err != nil {
		return nil, err
	}
	if tag != "" {
		if err := opts.SetMatchETag(tag); err != nil {
			return nil, err
		}
	}
	body, info, header, err := g.core.GetObject(ctx, g.bucket, g.key, opts)
	if err != nil {
		return nil, s3Error(err, from)
	}
	p := &part{body: body, from: from, size: -1, is: versionOf(header)}
	p.is.etag = info.ETag // without quotes, as it is asked for
	if span := header.Get("Content-Range"); span != "" {
		if p.from, p.size, err = contentRange(span); err != nil {
			return nil, errors.Join(err, body.Close())
		}
	} else {
		p.from, p.size = 0, info.Size
	}
	return p, nil
}

// s3Error says what an answer means.
func s3Error(err error, from int64) error {
	answer := minio.ToErrorResponse(err)
	if answer.StatusCode == 0 {
		return withoutURL(err)
	}
	status := statusError(answer.StatusCode, from)
	var say *remoteError
	if !errors.As(status, &say) || answer.Code == "" {
		return status
	}
	if answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusUnauthorized {
		return &remoteError{fmt.Sprintf("cannot be read: %s; check the credentials, AWS_REGION and AWS_ENDPOINT_URL", answer.Code), true}
	}
	if answer.Code == "AuthorizationHeaderMalformed" || answer.Code == "PermanentRedirect" { // what a bucket of another region says
		return &remoteError{fmt.Sprintf("cannot be read: %s; check AWS_REGION and AWS_ENDPOINT_URL", answer.Code), true}
	}
	return &remoteError{fmt.Sprintf("cannot be read: %s (%d)", answer.Code, answer.StatusCode), say.final}
}
