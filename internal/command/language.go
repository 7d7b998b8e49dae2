package command

import (
	"os"

	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/phrasebook"
)

// LanguageFlag is the flag of commands that answer in the reader's language.
type LanguageFlag struct {
	Language string `aliases:"lang" placeholder:"LANG" help:"en, uk or ru (default: as LC_ALL, LC_MESSAGES or LANG have it)."`
}

func (f LanguageFlag) Book() (*phrasebook.Book, error) {
	switch {
	case f.Language == "":
		return localBook(), nil
	case !phrasebook.Known(f.Language):
		return nil, config.Errorf("--language %q: want en, uk or ru", f.Language)
	}
	return phrasebook.For(f.Language), nil
}

// localBook is the words of the shell's language.
func localBook() *phrasebook.Book {
	return phrasebook.For(phrasebook.Locale(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG")))
}
