package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/wording"
)

func newCtl(env *environment) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "ctl DIR status|pause|resume|stop|rate=N|concurrency=N",
		Short: "Steer a run while it runs",
		Long: `ctl steers the run that is at work in an out directory, over a socket there that only its
owner can use. Each order is in the checkpoint before it is carried out, and in force at once:

  status         how far it is, and how it is steered
  pause          lets requests in flight finish and sends no more, until resume
  resume         goes on, unless it waits for its hours or the next day (--between, --per-day)
  stop           ends it as a signal does: exit code 4, --resume continues
  rate=N         consents per second at most; 0 takes the limit away
  concurrency=N  requests in flight at most

Exit codes: 0 done; 2 no run is at work there, or the order is not one.`,
		Example: `  consentimport ctl preferences.csv.import status
  consentimport ctl preferences.csv.import rate=200
  consentimport ctl preferences.csv.import pause`,
		Args:              arguments(cobra.ExactArgs(2), "give the out directory and status, pause, resume, stop, rate=N or concurrency=N"),
		ValidArgsFunction: completeOrders,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := outDirectory(args[0]); err != nil {
				return err
			}
			return control(env, args[0], args[1], asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the status as JSON")
	return c
}

// orderWords are the orders that have no number, orderNumbers those that have one.
var (
	orderWords   = []string{"status", "pause", "resume", "stop"}
	orderNumbers = []string{"rate", "concurrency"}
)

// orderMeant names the order that a word was likely to be.
func orderMeant(word string) string {
	meant := spelling.Nearest(word, slices.Concat(orderNumbers, orderWords))
	switch {
	case meant == "":
		return ""
	case slices.Contains(orderNumbers, meant):
		meant += "=N"
	}
	return fmt.Sprintf("; did you mean %q?", meant)
}

// completeOrders offers the orders behind the directory.
func completeOrders(_ *cobra.Command, args []string, begun string) (orders []string, how cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	for _, o := range slices.Concat(orderNumbers, orderWords) {
		if slices.Contains(orderNumbers, o) {
			o += "="
		}
		if len(args) == 1 && strings.HasPrefix(o, begun) {
			orders = append(orders, o)
		}
	}
	return orders, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// parseOrder reads an order; status is none.
func parseOrder(text string) (o importer.Order, err error) {
	name, value, number := strings.Cut(text, "=")
	bad := usage("the orders: status, pause, resume, stop, rate=N, concurrency=N", "%q is not an order%s", text, orderMeant(name))
	switch {
	case !number && slices.Contains(orderWords, name):
		o = importer.Order{Pause: name == "pause", Resume: name == "resume", Stop: name == "stop"}
	case number && name == "rate":
		rate, err := strconv.ParseFloat(value, 64)
		if err != nil || !(rate >= 0 && rate <= 1e9) {
			return o, usage("for example rate=200, or rate=0 for no fixed limit", "rate: %q is not a number of consents per second", value)
		}
		o.Rate = &rate
	case number && name == "concurrency":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > 10000 {
			return o, usage("for example concurrency=32", "concurrency: %q is not a number from 1 to 10000", value)
		}
		o.Concurrency = &n
	default:
		return o, bad
	}
	return o, nil
}

// status is what ctl DIR status tells.
type status struct {
	State string `json:"state"` // running, paused, waiting, starting or ending
	importer.Steering
	Waiting    *importer.Waiting `json:"waiting,omitempty"` // for its hours, or the next day
	Throttled  bool              `json:"throttled"`
	Bytes      int64             `json:"bytes"` // of the export that were read
	Size       int64             `json:"size"`  // of all
	Rows       int64             `json:"rows"`
	Sent       int64             `json:"sent"`
	Refused    int64             `json:"refused"`
	Failed     int64             `json:"failed"`
	Superseded int64             `json:"superseded"`
	Known      int64             `json:"known"`
	Retrying   int               `json:"retrying"`
	InFlight   int64             `json:"inFlight"`
	Elapsed    float64           `json:"elapsedSeconds"`
	Began      int64             `json:"began"`   // bytes that earlier runs had read
	Settled    int64             `json:"settled"` // outcomes of this run alone
	Invalid    int64             `json:"invalid"` // rows
	Target     string            `json:"target"`
	Key        string            `json:"key"` // where it is read from
	// Failures are the last ones of this run, the newest first.
	Failures []importer.Failure `json:"failures"`
}

// steeredRun is what a status says of a run beside its progress.
type steeredRun struct {
	im          *importer.Import
	dir         string
	target, key string
	since       time.Time
}

// status looks at the run.
func (r *steeredRun) status(now time.Time) status {
	p := r.im.Progress()
	s := status{
		Throttled: p.Throttled, Bytes: p.Bytes, Size: p.Size, Rows: p.Rows, Sent: p.Sent, Refused: p.Refused, Failed: p.Failed,
		Superseded: p.Superseded, Known: p.Known, Retrying: p.Retrying, InFlight: p.InFlight, Elapsed: now.Sub(r.since).Seconds(), Began: p.Began, Settled: p.Settled, Invalid: p.Invalid,
		Target: r.target, Key: r.key, Failures: r.im.Recent(),
	}
	if p.Waiting.Why != "" {
		s.Waiting = &p.Waiting
	}
	var at bool
	s.Steering, at = r.im.Steering()
	switch {
	case !at && s.Concurrency == 0:
		s.State = "starting"
	case !at:
		s.State = "ending"
	case s.Paused:
		s.State = "paused"
	case s.Waiting != nil:
		s.State = "waiting"
	default:
		s.State = "running"
	}
	return s
}

// maxOrder bounds what is read of an order.
const maxOrder = 256

// serveControl takes orders in the out directory until the function that it returns is
// called. Without a socket the run goes on all the same, and says so.
func (r *steeredRun) serveControl(env *environment) (done func()) {
	say := messages{env}
	l, release, err := listenIn(r.dir)
	if err != nil {
		say.note(fmt.Sprintf("consentimport ctl cannot steer this run: %v", err))
		return func() {}
	}
	r.since = env.now()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(r.status(env.now())) // whoever asked may be gone
	})
	mux.HandleFunc("POST /order", func(w http.ResponseWriter, asked *http.Request) {
		text, err := io.ReadAll(io.LimitReader(asked.Body, maxOrder))
		var o importer.Order
		if err == nil {
			o, err = parseOrder(string(text))
		}
		if err == nil {
			err = r.im.Steer(o)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		say.note("consentimport ctl: " + o.String())
	})
	server := &http.Server{Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	go func() { _ = server.Serve(l) }() // it ends when it is closed
	return func() {
		_ = server.Close()
		release()
	}
}

// controlWithin is how long a run may take to answer.
const controlWithin = 5 * time.Second

// control gives a run an order, or asks how it is.
func control(env *environment, dir, text string, asJSON bool) error {
	o, err := parseOrder(text)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: controlWithin, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dialIn(ctx, dir) },
	}}
	var answer *http.Response
	if text == "status" {
		answer, err = client.Get("http://run/status")
	} else {
		answer, err = client.Post("http://run/order", "text/plain", strings.NewReader(o.String()))
	}
	if err != nil && errors.Is(notAtWork(env.disk, dir), journal.ErrLocked) {
		return usage("try again when it sends; a signal to the process, such as Ctrl-C, stops it at any time",
			"another process is working in %s and takes no orders now: before it sends it reads the export, and at the end it writes the reports", dir)
	}
	if err != nil {
		return usage(report.ShellLine([]string{"consentimport", "report", dir})+" says how far the last one came", "no run is at work in %s", dir)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	switch {
	case err != nil:
		return fmt.Errorf("ask the run in %s: %w", dir, err)
	case answer.StatusCode != http.StatusOK:
		return usage("", "the run in %s does not take it: %s", dir, strings.TrimSpace(string(body)))
	case text != "status":
		_, err = fmt.Fprintf(env.stdout, "%s: done\n", o)
		return err
	case asJSON:
		_, err = env.stdout.Write(body)
		return err
	}
	var s status
	if err := json.Unmarshal(body, &s); err != nil {
		return errors.New("the run answered something else than its status")
	}
	return printStatus(env.stdout, &s)
}

func printStatus(w io.Writer, s *status) error {
	rate := "no fixed limit"
	if s.Rate > 0 {
		rate = fmt.Sprintf("%g a second at most", s.Rate)
	}
	throttled := ""
	if s.Throttled {
		throttled = ", slowed down by the target"
	}
	waits := ""
	if s.Waiting != nil {
		waits = "\n             " + waitingFor(*s.Waiting)
	}
	known := ""
	if s.Known > 0 {
		known = ", " + wording.Thousands(s.Known) + " known"
	}
	_, err := fmt.Fprintf(w, `state        %s%s, for %s%s
target       %s; key %s
read         %s of %s, %s, %s invalid
outcomes     %s sent, %s refused, %s failed, %s superseded%s
waiting      %s for a retry; %s in flight
pace         %s; %d in flight at most
`, s.State, throttled, span(time.Duration(s.Elapsed*float64(time.Second))), waits, s.Target, s.Key, size(s.Bytes), size(s.Size), wording.Plural(s.Rows, "row"),
		wording.Thousands(s.Invalid), wording.Thousands(s.Sent), wording.Thousands(s.Refused), wording.Thousands(s.Failed), wording.Thousands(s.Superseded), known,
		wording.Thousands(int64(s.Retrying)), wording.Thousands(s.InFlight), rate, s.Concurrency)
	for i := 0; err == nil && i < min(len(s.Failures), shownFailures); i++ {
		_, err = fmt.Fprintf(w, "failed       %s\n", spelling.OneLine(failureText(&s.Failures[i])))
	}
	return err
}

// shownFailures is how many failures the status has on a terminal.
const shownFailures = 3

// failureText is one failure as a line.
func failureText(f *importer.Failure) string {
	where := fmt.Sprintf("row %d", f.Row)
	if f.Consent > 0 {
		where = fmt.Sprintf("consent %d.%d", f.Row, f.Consent)
	}
	status := ""
	if f.Status > 0 {
		status = fmt.Sprintf(" %d", f.Status)
	}
	return fmt.Sprintf("%s %s%s: %s", where, f.Outcome, status, f.Reason)
}
