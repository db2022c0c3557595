// Package kubernetes holds the manifest that "consentimport job kubernetes" prints against
// the published types of the Kubernetes API. It is a module of its own, so that nobody who
// builds the program needs these.
package kubernetes
