// Package sandbox is a local Consent API to rehearse an import on, and what the
// tests of this project run against. It validates like the real one, injects
// faults and keeps what it got.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultAddr is where the command listens unless told otherwise.
const DefaultAddr = "127.0.0.1:8787"

// Limits that keep an abusive client from holding what others need.
const (
	headerTime = 10 * time.Second // to send the head of a request
	bodyTime   = 30 * time.Second // to send its body
	idleTime   = 5 * time.Minute  // between two requests of a connection
	maxHeader  = 64 << 10         // bytes
)

// Config says how a sandbox behaves.
type Config struct {
	Addr   string // host:port; empty: a free port on loopback
	Key    string // identifier.secret; empty: any key will do, but there must be one
	Faults Faults
	Seed   uint64 // of all that the faults draw
	// Store is a file that keeps the consents, so that a sandbox started later
	// with the same file goes on with them. Empty: they end with the process.
	Store string
	// Dir is a directory for what does not fit into memory, in files without a name.
	// It has to exist once a few thousand consents are kept. Empty: the directory of
	// Store, else the system's for temporary files.
	Dir string
	// Form is how requests must be written; nil: in the dialect that goes with the
	// way in which they authenticate.
	Form *Form
	Log  *slog.Logger // nil: none. Never told of a key or a person
}

// Form is how requests must be written when that does not follow from how they
// authenticate: a client may set each switch of its dialect by itself.
type Form struct {
	Dialect    Dialect // of what has no switch
	Times      string  // "ms", "s" or "ms-text"
	ValidUntil string  // "ms" or "ms-text"
}

// formOf is what a dialect says.
func formOf(d Dialect) Form {
	if d == SDK {
		return Form{SDK, "s", "ms-text"}
	}
	return Form{Docs, "ms", "ms"}
}

// Validate says what is wrong with the configuration.
func (c *Config) Validate() error {
	if c.Addr != "" {
		if _, _, err := net.SplitHostPort(c.Addr); err != nil {
			return fmt.Errorf("listen on %q: write host:port, such as %s", c.Addr, DefaultAddr)
		}
	}
	if strings.TrimSpace(c.Key) != c.Key {
		return errors.New("the key of the sandbox begins or ends with white space")
	}
	return nil
}

// Server is a running sandbox.
type Server struct {
	cfg     Config
	log     *slog.Logger
	auth    auth
	store   *store
	weather atomic.Pointer[weather]
	lanes   *lanes
	conns   *connections
	counts  *counts
	http    *http.Server
	buffers sync.Pool // *exchange

	mu       sync.Mutex
	listener net.Listener
	closed   bool
}

// New makes a sandbox that does not listen yet. It reads Config.Store.
func New(cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Dir == "" && cfg.Store != "" {
		cfg.Dir = filepath.Dir(cfg.Store)
	}
	s := &Server{cfg: cfg, log: cfg.Log, auth: newAuth(cfg.Key), store: newStore(cfg.Dir), lanes: new(lanes), conns: newConnections(), counts: newCounts()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.buffers.New = func() any { return new(exchange) }
	s.SetFaults(cfg.Faults)
	if cfg.Store != "" {
		if err := s.store.openStore(cfg.Store); err != nil {
			return nil, err
		}
	}
	s.http = &http.Server{
		Handler:           s,
		ConnState:         s.conns.note,
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// Start makes a sandbox, listens and serves in the background until Close.
func Start(cfg Config) (*Server, error) {
	s, err := New(cfg)
	if err != nil {
		return nil, err
	}
	if _, err := s.Listen(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	go func() {
		if err := s.Serve(context.Background()); err != nil {
			s.log.Error("sandbox stopped", "error", err)
		}
	}()
	return s, nil
}

// Listen binds the address and returns it. From here on connections are taken,
// though not answered before Serve.
func (s *Server) Listen() (addr string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", http.ErrServerClosed
	}
	if s.listener != nil {
		return s.listener.Addr().String(), nil
	}
	want := s.cfg.Addr
	if want == "" {
		want = "127.0.0.1:0"
	}
	if host, port, err := net.SplitHostPort(want); err == nil && host == "" { // who wants others to reach it writes an address out
		want = net.JoinHostPort("127.0.0.1", port)
	}
	s.listener, err = net.Listen("tcp", want)
	if err != nil {
		return "", fmt.Errorf("listen on %s: %w", want, err)
	}
	if a, ok := s.listener.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		s.log.Warn("the sandbox listens beyond this machine: anyone who can reach it can read what it keeps", "addr", a.String())
	}
	return s.listener.Addr().String(), nil
}

// Serve answers until ctx is done or Close is called, which is no error. What is
// in flight then is cut off.
func (s *Server) Serve(ctx context.Context) error {
	if _, err := s.Listen(); err != nil {
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// Close stops the sandbox at once. What it kept can still be asked for.
func (s *Server) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	l := s.listener
	s.mu.Unlock()
	if !first {
		return nil
	}
	err := s.http.Close()
	if l != nil {
		_ = l.Close() // closed already when it was served
	}
	return errors.Join(err, s.store.close())
}

// URL is the base URL for clients, such as http://127.0.0.1:8787/v1; empty
// before Listen.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return ""
	}
	return "http://" + s.listener.Addr().String() + "/v1"
}

// SetFaults changes the faults while running. What counts from a beginning
// (down, 401after, 429for …) begins again.
func (s *Server) SetFaults(f Faults) { s.weather.Store(newWeather(f, s.cfg.Seed)) }

// Faults gives those in force.
func (s *Server) Faults() Faults { return s.weather.Load().Faults }

// Consents gives all that was kept, in order of arrival. Use All for millions.
func (s *Server) Consents() []Consent {
	var out []Consent
	s.All(func(c *Consent) bool { out = append(out, *c); return true })
	return out
}

// All yields all that was kept so far, in order of arrival. The consent is reused.
// Err says whether it could be read.
func (s *Server) All(yield func(*Consent) bool) { _ = s.store.all(yield) }

// Of gives one user's consents in order of arrival.
func (s *Server) Of(userID string) []Consent { return s.of(userID, "") }

func (s *Server) of(user, profile string) []Consent {
	var out []Consent
	_ = s.store.of(user, profile, func(c *Consent) bool { out = append(out, *c); return true })
	return out
}

// Err is the first reason why something that was kept could not be read back, nil if
// there was none.
func (s *Server) Err() error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return s.store.failed
}

// Reset forgets all consents, counts and draws; the faults stay.
func (s *Server) Reset() error {
	s.counts.clear()
	s.lanes.max.Store(0)
	s.SetFaults(s.Faults())
	return s.store.reset()
}
