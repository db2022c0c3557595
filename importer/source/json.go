package source

func fitsArray(*head, *Config) bool                                { return false }
func fitsDocument(*head, *Config) bool                             { return false }
func newArrayScanner(m *member, l *Layout, cfg *Config) scanner    { return newLineScanner(m, l, cfg) }
func newDocumentScanner(m *member, l *Layout, cfg *Config) scanner { return newLineScanner(m, l, cfg) }
func endsJSON([]byte) bool                                         { return true }
