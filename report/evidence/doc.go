// Package evidence makes one file to archive of an import: what was imported, under
// which approval, with which result. A stranger checks it without this program, by
// sha256sum, ssh-keygen and openssl.
//
// # Files
//
//	evidence.json      the statement (Evidence)
//	evidence.json.sig  its SSH signature, namespace "consentimport", SHA-512
//	                   (PROTOCOL.sshsig of OpenSSH; ssh-keygen -Y verify takes it)
//	evidence.json.tsr  the answer of a time stamping authority about its SHA-256
//	                   (RFC 3161; openssl ts -verify takes it)
//
// # Root
//
// The root commits to the outcome of every row and every consent without telling any
// of them. It is the Merkle tree hash of RFC 6962, section 2.1, over SHA-256: a leaf
// is hashed with a zero byte before it, a node with a one byte before its two
// children. Leaves stand in the order of rows. A leaf is a sequence of netstrings
// (decimal length, colon, bytes, comma), the first of which says what it is:
//
//	"consent" row.N outcome action timestamp validUntil category source userId profileId sourceId email
//	"row" row outcome reason
//
// Outcome is sent, refused, failed, pending, superseded or known of a consent, skipped
// or invalid of a row that made none. Times are epoch milliseconds in decimal; validUntil is
// "unlimited" where there is no end; what is not there is empty.
package evidence
