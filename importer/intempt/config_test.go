package intempt

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConfigValidate(t *testing.T) {
	key, err := ParseKey(testKey)
	require.NoError(t, err)
	dotless, err := ParseKey("s3cret")
	require.NoError(t, err)
	tests := []struct {
		name string
		edit func(*Config)
		want string // part of the error; empty: none
	}{
		{"good", func(*Config) {}, ""},
		{"default base", func(c *Config) { c.BaseURL = "" }, ""},
		{"localhost", func(c *Config) { c.BaseURL = "http://LocalHost:8787/v1/" }, ""},
		{"loopback", func(c *Config) { c.BaseURL = "http://127.8.7.6" }, ""},
		{"loopback of IPv6", func(c *Config) { c.BaseURL = "http://[::1]:80" }, ""},
		{"org with blank and slash", func(c *Config) { c.Org = "my org/é" }, ""},
		{"docs needs no dot", func(c *Config) { c.Key = dotless }, ""},

		{"http elsewhere", func(c *Config) { c.BaseURL = "http://api.intempt.com/v1" }, "the base URL must begin with https://: over plain http"},
		{"http that looks local", func(c *Config) { c.BaseURL = "http://localhost.evil.example" }, "must begin with https://"},
		{"http to the network", func(c *Config) { c.BaseURL = "http://0.0.0.0" }, "must begin with https://"},
		{"no scheme", func(c *Config) { c.BaseURL = "api.intempt.com/v1" }, "the base URL must begin with https://; it looks like https://api.intempt.com/v1"},
		{"another scheme", func(c *Config) { c.BaseURL = "ftp://x" }, "must begin with https://"},
		{"no host", func(c *Config) { c.BaseURL = "https:///v1" }, "has no host"},
		{"strange host", func(c *Config) { c.BaseURL = "https://a{b}/v1" }, "the base URL"},
		{"strange port", func(c *Config) { c.BaseURL = "https://x:99999" }, "has the invalid port 99999"},
		{"no URL", func(c *Config) { c.BaseURL = "https://%zz?" + testKey }, "is not a URL"},
		{"query", func(c *Config) { c.BaseURL = "https://x/v1?apiKey=" + testKey }, "must not contain a query"},
		{"empty query", func(c *Config) { c.BaseURL = "https://x/v1?" }, "must not contain a query"},
		{"user", func(c *Config) { c.BaseURL = "https://u:p@x/v1" }, "must not contain a user or password"},
		{"user with a slash", func(c *Config) { c.BaseURL = "https://ident/sec/ret@x.example/v1" }, "must not contain an @"},
		{"user with a slash, encoded", func(c *Config) { c.BaseURL = "https://ident/sec%40x.example/v1" }, "must not contain an @"},
		{"user without a scheme", func(c *Config) { c.BaseURL = "ident:sec/ret@x.example/v1" }, "must not contain an @"},
		{"key in the path", func(c *Config) { c.BaseURL = "https://x.example/" + url.PathEscape(testKey) + "/v1" }, "the base URL contains the API key"},
		{"key as org", func(c *Config) { c.Org = testKey }, "the organisation contains the API key"},
		{"secret as project", func(c *Config) { _, c.Project, _ = strings.Cut(testKey, ".") }, "the project contains the API key"},
		{"a short key is any word", func(c *Config) { c.Key, c.Org = dotless, "s3cret" }, ""},
		{"fragment", func(c *Config) { c.BaseURL = "https://x/v1#a" }, "must not contain a fragment"},
		{"no org", func(c *Config) { c.Org = "" }, "there is no organisation"},
		{"blank org", func(c *Config) { c.Org = " " }, "no organisation"},
		{"org with line break", func(c *Config) { c.Org = "acme\n" }, "the organisation contains a control character or a line break"},
		{"org that walks", func(c *Config) { c.Org = ".." }, `the organisation is "..", which is not a valid name of an organisation`},
		{"no project", func(c *Config) { c.Project = "" }, "there is no project"},
		{"project that stays", func(c *Config) { c.Project = "." }, `is ".", which is not a valid name of a project`},
		{"no key", func(c *Config) { c.Key = Key{} }, "there is no API key"},
		{"no dot for sdk", func(c *Config) { c.Key, c.Dialect = dotless, SDK }, "the API key has no dot, and dialect sdk splits it there"},
		{"no dot for basic", func(c *Config) { c.Key, c.Auth = dotless, "basic" }, "the API key has no dot, and authentication basic splits it there"},
		{"no dot, and none is needed", func(c *Config) { c.Key, c.Dialect, c.Auth = dotless, SDK, "apikey" }, ""},
		{"no way to authenticate", func(c *Config) { c.Auth = "oauth" }, `the authentication "oauth" is unknown; it is one of query, basic, apikey`},
		{"no form of times", func(c *Config) { c.Times = "min" }, `the form of times "min" is unknown; it is one of ms, s, ms-text`},
		{"no form of ends", func(c *Config) { c.ValidUntil = "s" }, `the form of ends "s" is unknown; it is one of ms, ms-text`},
		{"no dialect", func(c *Config) { c.Dialect = 7 }, "the dialect is unknown; it is one of docs, sdk"},
		{"negative concurrency", func(c *Config) { c.Concurrency = -1 }, "the concurrency is negative"},
		{"negative time-out", func(c *Config) { c.Timeout = -1 }, "time-out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := Config{BaseURL: "https://x.example:8443/base/v1/", Org: "acme", Project: "main", Key: key}
			tt.edit(&cfg)
			err := cfg.Validate()
			_, newErr := New(cfg)
			assert.Equal(t, err, newErr)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
			assertClean(t, err.Error())
			assert.NotContains(t, err.Error(), "s3cret")
		})
	}
}

func TestTarget(t *testing.T) {
	key, err := ParseKey(testKey)
	require.NoError(t, err)
	for _, tt := range []struct{ base, addr, host, path string }{
		{"", "api.intempt.com:443", "api.intempt.com", "/v1/a%20b/projects/c%2Fd/consents/data?"},
		{"https://x.example:8443/base%20/v1//", "x.example:8443", "x.example", "/base%20/v1/a%20b/projects/c%2Fd/consents/data?"},
		{"http://[::1]", "[::1]:80", "::1", "/a%20b/projects/c%2Fd/consents/data?"},
	} {
		target, err := Config{BaseURL: tt.base, Org: "a b", Project: "c/d", Key: key}.target()
		require.NoError(t, err)
		assert.Equal(t, tt.addr, target.addr)
		assert.Equal(t, tt.host, target.host)
		assert.True(t, strings.HasPrefix(string(target.head), "POST "+tt.path), "%s", target.head)
		assert.NotContains(t, target.url.String(), "apiKey")
	}
}

func TestParseKey(t *testing.T) {
	for _, text := range []string{testKey, testKey + "\n", "\ufeff" + testKey + "\r\n", "  " + testKey + "\t\n\n"} {
		key, err := ParseKey(text)
		require.NoError(t, err)
		assert.Equal(t, testKey, key.reveal())
	}
	for _, tt := range []struct{ text, want string }{
		{"", "the API key is empty"},
		{" \n", "the API key is empty"},
		{"id.s3cret\nid.other", "the API key holds a line break after 9 characters; it must be one line"},
		{"id.s3\x1bcret", "the API key holds a control character after 5 characters; copy it again"},
		{"\xff\xfei\x00d\x00", "the API key holds NUL characters; save it as plain UTF-8 text, not UTF-16"},
		{"id.s\xffcret", "the API key is not valid UTF-8; copy it again"},
	} {
		key, err := ParseKey(tt.text)
		assert.EqualError(t, err, tt.want)
		assert.True(t, key.IsZero())
	}
}

func TestReadKey(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	key, err := ReadKey(write("key", testKey+"\n"))
	require.NoError(t, err)
	assert.Equal(t, testKey, key.reveal())
	_, err = ReadKey(filepath.Join(dir, "none"))
	assert.ErrorContains(t, err, "read the key file: open ")
	_, err = ReadKey(dir)
	assert.ErrorContains(t, err, "read the key file: ")
	_, err = ReadKey(write("empty", "\n"))
	assert.ErrorContains(t, err, "empty: the API key is empty")
	_, err = ReadKey(write("large", strings.Repeat("s3cret", 20_000)))
	assert.ErrorContains(t, err, "larger than 64 KiB, so it is not a key")
	_, err = ReadKey(write("lines", "id.s3cret\nmore"))
	require.ErrorContains(t, err, "holds a line break")
	assert.NotContains(t, err.Error(), "s3cret")
}

func TestKeyIsNotEncoded(t *testing.T) {
	key, err := ParseKey(testKey)
	require.NoError(t, err)
	b, err := json.Marshal(map[string]any{"key": key, "pointer": &key, "config": Config{Key: key}.Key})
	require.NoError(t, err)
	assert.Equal(t, `{"config":"[key]","key":"[key]","pointer":"[key]"}`, string(b))
	text, err := key.MarshalText()
	require.NoError(t, err)
	assert.Equal(t, "[key]", string(text))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", key)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", key)
	assert.NotContains(t, log.String(), "s3cr")
	assert.Equal(t, "[key]", key.String())
}
