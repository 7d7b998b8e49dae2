package main

import (
	"fmt"
	"os"
)

// completionCmd prints what a shell needs to complete our commands and flags; the program itself is then asked at each Tab.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"${enum}."`
}

// Help is what --help adds.
func (completionCmd) Help() string {
	return "For bash: ringmaster completion bash >>~/.bashrc. For zsh: into ~/.zshrc. For fish: into " +
		"~/.config/fish/completions/ringmaster.fish."
}

// Run prints the lines.
func (s completionCmd) Run(c console) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	lines := map[string]string{
		"bash": "complete -C %[1]q ringmaster\n",
		"zsh":  "autoload -U +X bashcompinit && bashcompinit\ncomplete -C %[1]q ringmaster\n",
		"fish": "function __complete_ringmaster\n    set -lx COMP_LINE (commandline -cp)\n    test -z (commandline -ct); and set " +
			"COMP_LINE \"$COMP_LINE \"\n" +
			"    %[1]q\nend\ncomplete -f -c ringmaster -a '(__complete_ringmaster)'\n",
	}
	_, err = fmt.Fprintf(c.Out, lines[s.Shell], program)
	return err
}
