package reporttest

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// Measure measures the page that a tab shows, as it is.
func Measure(t *testing.T, tab context.Context, at string) View {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, 30*time.Second)
	defer cancel()
	view, err := chromedp.Run(ctx, chromedp.Evaluate[View](inspectPage))
	require.NoError(t, err, at)
	return view
}
