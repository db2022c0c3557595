package source

// Format is the shape of a file's rows.
type Format uint8

// The formats that rows can have.
const (
	CSV Format = iota
	JSONL
)

// formats say of each format what differs. A new one is a line here; what asks for it
// asks a Layout, and nobody else names a format.
var formats = [...]struct {
	name   string // in configurations
	nested bool   // see Layout.Nested
	none   string // what a file without rows holds, where it cannot be empty
}{
	CSV:   {name: "csv"},
	JSONL: {name: "jsonl", nested: true, none: "[]\n"},
}

// String is the format's name in configurations.
func (f Format) String() string { return formats[f].name }

// FormatNames are all names that a Config's Format can have.
func FormatNames() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// formatNamed finds a format by its name in configurations.
func formatNamed(name string) (f Format, ok bool) {
	for i := range formats {
		if formats[i].name == name {
			return Format(i), true
		}
	}
	return 0, false
}

// Nested reports whether the configuration sets a format whose rows are nested.
func (c *Config) Nested() bool {
	f, set := formatNamed(c.Format)
	return set && formats[f].nested
}

// Lines is the configuration that reads the same files with each line as a row of one
// cell, which has the name given. Any text can be read so.
func (c Config) Lines(name string) Config {
	c.Format, c.Columns, c.Delimiter = CSV.String(), []string{name}, "\x01"
	return c
}

// Nested reports whether a row is one JSON value, which names its members itself and
// is addressed by path. Other rows are cells, which Split takes apart, Columns names
// and an index addresses.
func (l *Layout) Nested() bool { return formats[l.Format].nested }

// HasHeader reports whether a line above the rows names their cells.
func (l *Layout) HasHeader() bool { return !l.Nested() && !l.NoHeader }

// Open takes a row apart as its layout has it: of nested rows value is raw, of others
// the cells are what Split gives, with its arguments and its error.
func (l *Layout) Open(raw []byte, dst [][]byte, scratch []byte) (value []byte, cells [][]byte, newScratch []byte, err error) {
	if l.Nested() {
		return raw, dst, scratch, nil
	}
	cells, newScratch, err = l.Split(raw, dst, scratch)
	return nil, cells, newScratch, err
}

// Rewritten is the configuration, without paths, that reads a file in which rows of
// the layout were written once more: in UTF-8, each with LF as its end, below
// RewrittenHead. Columns are the names of the cells where no header has them.
func (l *Layout) Rewritten(columns []string) Config {
	cfg := Config{Format: l.Format.String(), Encoding: "utf-8"}
	if !l.Nested() {
		cfg.Delimiter, cfg.Columns = string(l.Delimiter), columns
	}
	return cfg
}

// RewrittenHead is what stands above so many rows in such a file.
func (l *Layout) RewrittenHead(rows int) string {
	switch {
	case l.HasHeader():
		return string(l.Header) + "\n"
	case rows == 0:
		return formats[l.Format].none
	}
	return ""
}
