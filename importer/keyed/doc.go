// Package keyed finds the rows of a file by a key: of the file that a mapping looks
// the rows of an export up in.
//
// The file is read once, as an export is: in any encoding, packed or not. Its rows are
// sorted outside of memory by a hash of their key, in the form of
// mapping.SpellingKey, so that a key which is only spelled otherwise lies beside the
// one that is sought. The sorted rows are one sequence of
//
//	hash (8 bytes) · hash of the key as it is (8) · line (8) · length of the key (4) · length of the row (4) · key · row
//
// in the order of its first three parts. Of the rows of one key the first is kept, and the
// first that says something else, which makes the key a doubtful one: a key that a million rows
// have costs no more than another.
//
// and a directory has the place in it of every 8th part of a hash's range: as many
// ranges as there are rows, divided by 8, each with an offset of 8 bytes. Hashes are spread
// evenly, so a row is found with two reads, however many there are. Both lie in memory
// as long as they are small, else in temporary files, which are written before the first
// row is looked up: a disk that is too small is found then.
//
// Memory does not grow with the file: the sorter's two buffers while it is sorted,
// Config.Memory for what was sorted, and for each look a piece of it, in which a range
// is gone through, or one row that is longer.
package keyed
