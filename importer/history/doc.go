// Package history puts the decisions of an export into the order in which people
// made them, and plans in which order consents are sent.
//
// A Builder takes in every decision of an export as a record of 56 bytes: hashes of
// subject and category as they are compared, time, place, decision, a digest of what
// is sent, and what became of it. No person is in it. The records are sorted
// outside of memory (package extsort): by subject, category, time, decision (accept
// before reject) and place. One walk over them then knows each history as a whole,
// and gives counts, which are exact, and the plan of a pass.
//
// # Names of people
//
// Subjects are told apart as they are compared, and nothing is merged. Beside that, a
// walk counts the people who stand under several names: in several spellings, with the
// domain of their address as it is written and as the DNS has it (x@bücher.example,
// x@xn--bcher-kva.example), which are two subjects, or under
// a userId or profileId in one row and only the e-mail address in another, where a third
// has both. An address that stands beside several of them says nothing. What is kept for
// that, 16 bytes a person and address, is sorted only if some subject is an address.
//
// # Courses
//
// Of a key whose decisions did not all arrive, or not oldest first, a walk can keep the
// course: its decisions, and which arrived first by the rules below. It keeps a few, the
// gravest. The order that was seen is in the journal (journal.Snapshot.Arrivals).
//
// # The plan
//
// What follows is about one key, that is a subject and a category. The plan has a
// step for a consent only where it does not simply leave when its row comes; so an
// export in order has an empty one. For the consents that a pass is to send:
//
//  1. One that is older than a decision that arrived is superseded by it.
//  2. One that equals another of the same time in all that is sent is superseded by
//     that one: the one that arrived, else the first of the export.
//  3. What remains leaves when its rows come, where these are in the order of the
//     history, and where the target does not stand at an accept meanwhile: a reject
//     that is the last to come follows its accept within Near rows.
//  4. Otherwise what remains is pulled together: it leaves as a whole, oldest first,
//     when the first of its rows comes.
//
// With latest, all but the last word are superseded by it, wherever it stands and
// whatever becomes of it. With rows, the rules hold only for what comes later than in
// its place (a retry, a repair).
//
// The plan follows from the export and the journal alone: it is made anew for every
// run and kept nowhere.
//
// # How the rest of the importer keeps to it
//
//   - Journal: outcomes come in any order, but none for a row before the low row of
//     a mark above it. A history that is pulled together leaves with its first row,
//     so the others lie behind that row; a reader of outcomes in the order of rows
//     holds them until it comes to their rows or, where they are many, sorts them first.
//   - Low mark: a row with all that leaves with it is finished before the mark goes
//     past it. What other rows of the history have is then done as well.
//   - Resume: the plan is made of what has no outcome yet. A history that was
//     pulled together and that this pass has begun goes to the Front: it leaves before
//     all rows; and so does one that stands at an accept with a reject to come, or may do so since a
//     run died (Fate.Begun), before the others. So at most as many histories as there
//     are requests in flight are half told, however often the run is killed. Where the plan
//     of all rows holds back nothing, that of a resume is made of the rest of them.
//   - --limit: rows are counted as they are read. A history whose first row is within
//     the limit is sent whole.
//   - Growth of the export: what came behind its end belongs to the histories like
//     all else; rule 1 holds back what is older than what has arrived meanwhile.
//   - --retry, --repair: decisions that arrived are told as they were sent, what is to
//     be sent as it is mapped now; rule 1 holds back what was overtaken. A repair
//     plans the rows of its file alone; rows that stay invalid or refused count with
//     latest, where the last word may be among them.
//   - A decision of an invalid row whose subject, category and action could be read
//     belongs to the history. Without a time, a reject is the latest and an accept
//     the first: it never hides a reject.
package history
