// Package messages holds every text that people read, one catalogue a language, for the program and for the pages alike.
//
// A message is a text, or one text for each plural form of the language (CLDR: one, few, many, other), chosen by {count}. What
// stands in braces is an argument's name. Keys with a dot are the program's reasons; those without are the pages' words.
package messages

import "embed"

// Files are en.json, uk.json and ru.json.
//
//go:embed *.json
var Files embed.FS

// Languages are those that there are catalogues of; the first one is for what the others lack.
var Languages = []string{"en", "uk", "ru"}
