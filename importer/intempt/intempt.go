// Package intempt is the target: Intempt's Consent API as a client must know it.
//
// A Client sends one consent a request, in one of two dialects, and says what
// the answer means. A Pacer decides when the next one may leave. Retrying is the
// importer's: it knows what must not overtake what.
package intempt
