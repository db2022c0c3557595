// Package importer moves the consents of an export to the target: it reads,
// maps, orders, sends and records, one row one way.
package importer
