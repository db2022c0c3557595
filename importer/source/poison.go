//go:build !race

package source

// poison is set under the race detector: memory that is given back is spoilt,
// so that a test which still reads it fails.
const poison = false
