// Package arch has no code. Its tests keep the rules of the house that a compiler does not: who may import whom, and how
// long a file may grow.
package arch
