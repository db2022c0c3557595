package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/blocked"
)

// Whoever reads a long output page by page gets all of it, and an import waits for nobody.
func TestAPatientStreamWaitsUntilItIsHurried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		s := newPatientStream(w, time.Second)
		var wrote []error
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 2 {
				_, err := s.Write([]byte("page"))
				wrote = append(wrote, err)
			}
		}()
		time.Sleep(time.Hour)
		page := make([]byte, 4)
		_, err := io.ReadFull(r, page)
		require.NoError(t, err)
		assert.Equal(t, "page", string(page))
		time.Sleep(time.Hour)
		s.hurry() // a signal
		begun := time.Now()
		<-done
		assert.Equal(t, time.Second, time.Since(begun))
		assert.Equal(t, []error{nil, errUnread}, wrote)
		_ = r.Close()
	})
}

// Whoever has read enough closes a pipe; the command has no error because of it.
func TestAClosedPipeIsNoError(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	defer w.Close()
	n, err := newPatientStream(w, time.Second).Write([]byte("more"))
	require.NoError(t, err)
	assert.Equal(t, 4, n)
	full := newStream(writerFunc(func([]byte) (int, error) { return 0, syscall.ENOSPC }), time.Second)
	_, err = full.Write([]byte("more"))
	require.ErrorIs(t, err, syscall.ENOSPC, "a full disk is one")
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A signal ends a command with 4, however far it was: 2 would tell a scheduler that the task
// need not be tried again.
func TestASignalBeforeTheFirstRequestIsNoRefusal(t *testing.T) {
	for _, err := range []error{
		blocked.Interrupted(), context.Canceled, refused(fmt.Errorf("put decisions in order: %w", context.Canceled)),
		blocked.Errorc(blocked.LargerDisk, "keep standard input: %w", context.Canceled), (&runFlags{job: true}).asTask(blocked.Interrupted()),
	} {
		assert.Equal(t, exitIncomplete, exitCode(err), err)
		var said strings.Builder
		complain(&said, err)
		assert.Regexp(t, "^error: interrupted( before this run sent anything)?\nhint: run it again\n$", said.String())
	}
	assert.Equal(t, exitRefused, exitCode(refused(errors.New("no such file"))))
}
