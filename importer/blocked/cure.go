package blocked

import "fmt"

// Cure is what the user can do about an error. The command knows how: libraries
// name no flags.
type Cure uint8

// The cures.
const (
	None               Cure = iota
	AnotherDirectory        // use another out directory
	AnotherForDryRun        // use another out directory for the dry run
	MoveAside               // move the directory, or use another
	RemoveOrAnother         // remove what is there, if it is the user's, or use another out directory
	LargerDisk              // give the export as a file, or an out directory on a larger disk
	MoreRoom                // make room, or have the out directory on a larger disk
	ChooseMapping           // choose a preset or a mapping
	RepairWhat              // name the import whose rows were repaired
	FinishFirst             // continue the import, and repair then
	Resume                  // run it again, as a continuation
	RemoveCause             // remove the cause, then continue
	GoOnOrStartOver         // continue the import that is there, retry, or start over
	StartOver               // rename the import that is there and start over
	AnotherOrStartOver      // use another out directory, or rename the dry run
	RestoreOrStartOver      // restore a copy of the directory, or start over
	ApproveAgain            // say again what was approved
	SameExport              // give the export as it was, or start over with the new one
	SameTarget              // give the same target as before, or use another out directory
	OldMapping              // continue with the old mapping, or retry with the new one
	OldHistory              // continue in the old order, or start over in the new one
	OldReading              // continue to read the export as before, or start over in the new way
	OldOptOuts              // continue with the list of before, or start over with the new one
	SameLookup              // give the file of a lookup as it was, retry with a mapping that names another, or start over
	NoOptOuts               // give no such list
	OptOuts                 // give the list in a form that is read
	OptOutsAgain            // give the list that this import was given
	OptOutsToo              // give the list that an earlier import was given
	ContinueThere           // continue the joined import in its directory, or join into another
	JoinAgain               // join the shards again
	FinishShard             // continue the shard, then join again
	SameShard               // continue with the shard of before, or use another out directory
	JoinFirst               // join the shards, and change the mapping in the joined import
	AsRepair                // give the file as repaired rows of its import
	LookAtExport            // see why no row makes a consent
	SinceWhat               // name a finished import to be held against
	SinceFinish             // finish that import first
	SinceJoin               // join the shards of that import first
	SinceTarget             // give the target of that import, or do without it
	OldSince                // continue against what the import was held against, or start over
	OldSinceGone            // start over against the other import as it is now
	SinceLast               // hold it against the import that followed
	Followed                // hold what is left against the import that followed
	JoinElsewhere           // join the shards anew, into another directory
	KeyElsewhere            // give the key where keys go
	Cures                   // how many there are
)

// Setting is what a user has set, in the words of the libraries. The command knows
// its flag and its environment variable.
type Setting uint8

// The settings.
const (
	Nothing Setting = iota
	BaseURL
	Organisation
	Project
	Key
	KeyFile
	Dialect
	Auth
	Times
	ValidUntil
	Concurrency
	RowLimit
	FailureBudget
	Attempts
	RequestTime
	History
	RetryTime
	SendingHours
	DayLimit
	Settings // how many there are
)

// Errorc makes an Error with a cure.
func Errorc(cure Cure, format string, args ...any) error {
	return &Error{Err: fmt.Errorf(format, args...), Cure: cure}
}

// Join makes an Error with a cure that is joining shards in some directories, into dir.
func Join(cure Cure, parts []string, dir, format string, args ...any) error {
	return &Error{Err: fmt.Errorf(format, args...), Cure: cure, Parts: parts, Dir: dir}
}

// Bad makes the Error of a setting that cannot be.
func Bad(s Setting, format string, args ...any) error {
	return &Error{Err: fmt.Errorf(format, args...), Setting: s}
}
