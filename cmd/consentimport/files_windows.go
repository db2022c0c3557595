package main

// connectionsFor is as many as are wanted: files are not counted there.
func connectionsFor(wanted int) (n int, note string, err error) { return wanted, "", nil }
