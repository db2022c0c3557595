//go:build race

package source

const poison = true
