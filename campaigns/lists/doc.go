// Package lists reads lists of contacts as people have them: CSV of any separator and encoding, JSON, and XLSX; plain or gzipped.
//
// [Open] looks at the beginning of a list and says, in [About], what it takes it for: its encoding, the line that names the
// columns, and what each column holds, recognised by the stem of its name and by its values. [List.Lines] then reads it to its
// end in bounded memory: each line becomes a contact or a refusal with its reason, and none is lost in silence. What is not
// certain is refused: a number that a spreadsheet has rounded, or one that may be read in two ways, is nobody's number.
package lists
