package main

// connectionsFor is as many as are wanted: files are not counted there.
func connectionsFor(wanted int, inside bool) (n int, note string, err error) { return wanted, "", nil }

// reportsBeside is always so.
func reportsBeside(connections int, inside bool) bool { return true }
