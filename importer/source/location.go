package source

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// urlScheme finds the scheme of a URL. A Windows path has no // behind its drive.
var urlScheme = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://`)

// schemes are where exports can lie beside files, and what to do about the others.
const (
	httpScheme  = "http"
	httpsScheme = "https"
	s3Scheme    = "s3"
)

// IsRemote tells that a path of an export is a URL.
func IsRemote(path string) bool { return urlScheme.MatchString(path) }

// Locate takes the location of an export apart: what names it, which stands in reports
// and in the checkpoint, and the query of a URL, which is a secret like a key. A path of
// a file comes back as it is. The error repeats no query.
func Locate(given string) (location, query string, err error) {
	m := urlScheme.FindStringSubmatch(given)
	if m == nil {
		return given, "", nil
	}
	switch scheme := strings.ToLower(m[1]); scheme {
	case s3Scheme:
		bucket, key, found := strings.Cut(given[len(m[0]):], "/")
		if bucket == "" || !found || key == "" {
			return "", "", fmt.Errorf("%s does not name an object: it is s3://BUCKET/KEY", given)
		}
		return s3Scheme + "://" + bucket + "/" + key, "", nil
	case httpScheme, httpsScheme:
		u, err := url.Parse(given)
		if err != nil || u.Host == "" {
			return "", "", fmt.Errorf("the %s URL cannot be read: check its host and its percent signs", scheme)
		}
		query, u.RawQuery, u.Fragment, u.RawFragment, u.ForceQuery = u.RawQuery, "", "", "", false
		if u.User != nil {
			u.User = nil
			return "", "", fmt.Errorf("%s is given with a user or a password in it, which would be seen: use a presigned URL", u)
		}
		if scheme == httpScheme && !isLoopback(u.Hostname()) {
			return "", "", fmt.Errorf("%s is not encrypted: an export is read over https, and over http from this machine alone", u)
		}
		return u.String(), query, nil
	default:
		return "", "", fmt.Errorf("exports are read from files, https:// and s3://, not from %s://: %s", scheme, wayOut(scheme))
	}
}

// wayOut is how to read an export of another scheme.
func wayOut(scheme string) string {
	switch scheme {
	case "gs", "gcs":
		return "presign it (gcloud storage sign-url) and give the https:// URL, or mount the bucket and give the file"
	case "azblob", "az", "abfs", "abfss", "wasb", "wasbs":
		return "make a SAS URL of it and give that https:// URL, or mount the container and give the file"
	case "file":
		return "give the path of the file without file://"
	default:
		return "download it, mount it, or give an https:// URL of it"
	}
}

// isLoopback tells that a host is this machine.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// BaseName is the last part of the path of a file or of a URL's.
func BaseName(location string) string {
	if !IsRemote(location) {
		return filepath.Base(location)
	}
	if u, err := url.Parse(location); err == nil && strings.Trim(u.Path, "/") != "" {
		return path.Base(u.Path)
	}
	return path.Base(location)
}
