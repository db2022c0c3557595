// Package journal keeps the checkpoint of an import: which consents have which
// outcome, how far the export was read, and what the import belongs to.
//
// # File format, version 1
//
// checkpoint.jsonl is UTF-8 text, one JSON object a line, each line ended by a
// line feed, append-only. A line has two members (a line of consents sent, known
// or begun has three): the record, whose name is its kind, and the check.
//
//	{"header":{"version":1,…},"crc":"1f0a34c2"}      the first line, and only there: what the import belongs to (Header)
//	{"pass":{"n":1,"kind":"import",…},"crc":"…"}     a sweep over rows begins (Pass); n counts from 1
//	{"run":{"n":1,"pass":1,…},"crc":"…"}             a process begins to work on the last pass (Run); n counts from 1
//	{"mark":{"low":{…},"high":533,…},"crc":"…"}      how far the run is (Mark)
//	{"sent":"523.1-530.2 533.1","n":12,"crc":"…"}    12 consents were sent
//	{"fail":{"ref":"524.2","state":"refused","status":400,"attempts":1,"message":"…"},"crc":"…"}
//	{"begun":"523.1","n":1,"crc":"…"}                consent 523.1 is about to leave, which a later one takes back
//	{"known":"523.1-530.2 533.1","n":12,"crc":"…"}   12 consents were sent by an earlier import
//	{"held":{"ref":"3.1","by":"9.2"},"crc":"…"}      consent 3.1 was superseded by 9.2; with "in":1, by 9.2
//	                                                 of the first import of the header's "since"
//	{"end":{"state":"complete",…},"crc":"…"}         the run ends (End)
//	{"order":{"at":"…","what":"pause"},"crc":"…"}    somebody steers the run (Order)
//	{"day":{"at":"…","from":"…","until":"…","used":40},"crc":"…"}  40 requests may have left on that day, or leave now (Day)
//	{"purge":{"at":"…","removed":[…],"kept":[…]},"crc":"…"}  what holds people is removed (Purge)
//	{"seal":{"at":"…","bytes":4711,"sha256":"…"},"crc":"…"}
//
// A consent is written ROW.N: the Nth that the row made. A run of consents A-B
// takes in A, B and all consents that any row makes between them; so a row that
// makes none never lies inside a run, since it is not known what it will make under
// another mapping. Runs ascend within a line, and n is how many consents they are. In
// a checkpoint that was joined (Header.Parts) that holds for the lines of a pass together:
// shards know how many consents their lines hold, not how many a run across rows does once
// it was put together with others'. There a line counts one a run, and the last line of
// the pass all that is left.
//
// The order of lines is that of time: outcomes belong to the run, and the run to
// the pass, that was begun last. No outcome comes for a row before the low row of a
// mark that stands above it in the same pass. So outcomes come almost in the order of
// rows, and whoever goes through them by row holds a few. Decisions about one person
// may be sent together, ahead of the rows that some of them stand in: outcomes of rows
// above the high row of all marks so far. Where these are many, or what is finished is far
// ahead of a row that is not, outcomes are sorted before they are gone through, outside of
// memory. In a repair pass too, rows are numbered as in the original export, and gone
// through in that order.
//
// # Integrity
//
// crc is the CRC-32C, as eight hex digits, of the bytes of all lines so far, of
// each line up to the comma before its own "crc". sha256 of a seal is that of
// the whole file above the seal's line, of which it gives the size in bytes:
//
//	head -c 4711 checkpoint.jsonl | sha256sum
//
// A seal stands at least at each sync, and at the end of a file that was closed.
// What follows from this, and what does not:
//
//	a byte changed, a line removed, added, repeated or moved    refused with line and byte
//	the last line not written whole (a crash, a full disk)      dropped: its outcome never counted
//	cut off right behind a line, or an older copy put back      refused where the file .sealed beside it says that
//	                                                            more was on the medium (Snapshot.Lost). Without that
//	                                                            file it looks like a crash; its seal is not the one
//	                                                            that an earlier report or verify printed. A resume
//	                                                            sends again what it does not know, never less
//	everything written anew by somebody with the format in hand not noticed by the file itself; the digest that was
//	                                                            filed elsewhere no longer fits
//	a header of another import                                  intact here; the importer compares it
//
// # Durability
//
// An outcome is in the file when Writer.Append returns, so it survives the end
// of the process; it is on the medium half a second later, so that it survives
// a power loss. A full disk or a failed sync stops the Writer for good, and
// leaves a file that can be opened again.
package journal
