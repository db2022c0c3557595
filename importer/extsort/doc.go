// Package extsort sorts more records than fit into memory.
//
// A record is a string of bytes. Records are ordered by their first bytes, as
// bytes.Compare orders them, so its maker writes what it is sorted by first,
// and big-endian; records that are equal there keep no order among themselves.
//
// Records are collected in a buffer that is bounded in bytes, whatever the size of
// each. A full buffer is sorted and written as a run while the next one fills, so
// two are in use at most. Runs are read side by side, and merged to fewer before that
// where they are too many. What fits into one buffer never touches the disk, nor does
// what came last of spread records.
//
// Records that begin with a hash are put into parts as they come, and a part is put in
// order by two digits of the hash when it is read: most are never compared.
//
// A run is a sequence of blocks of about 64 KiB, each compressed by itself behind its
// sizes and a check sum: see appendBlock. A file holds several runs; it is the caller's,
// who decides where it lies and who may read it. What was sorted can be read by several
// goroutines, each of them a part of it.
//
// What needs no order, but may not fit into memory either, is kept in a [Spool].
package extsort
