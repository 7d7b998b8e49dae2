// Command ringmaster is the dialer: one binary that serves a node, and the small commands around it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // time zones also where the system has none, such as in an empty container

	"github.com/alecthomas/kong"
	"github.com/willabides/kongplete"

	"github.com/creditorro/ringmaster/internal/command"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/doctor"
)

// Exit codes of every command.
const (
	exitWell   = 0
	exitFailed = 1 // it was tried, and did not work
	exitUsage  = 2 // the command line or the configuration is wrong: trying again will not help
)

// commands is the command line, as kong reads it.
type commands struct {
	Demo      demoCmd           `cmd:"" help:"Run everything in one process with a simulated phone network and a seeded campaign."`
	Serve     serveCmd          `cmd:"" help:"Run a node."`
	Migrate   command.Migrate   `cmd:"" help:"Bring the database to this version's tables."`
	Campaign  command.Campaign  `cmd:"" help:"Add, list, start, pause and stop campaigns."`
	Consent   command.Consent   `cmd:"" help:"Note, list and take back what people permit and wish."`
	Person    command.Person    `cmd:"" help:"Show who is who, merge and split people."`
	Import    command.Import    `cmd:"" help:"Import a list of contacts into a campaign."`
	Imports   command.Imports   `cmd:"" help:"Look at, commit and discard imports of lists."`
	Lists     command.Lists     `cmd:"" help:"Look at, close, reopen, recycle and export lists of contacts."`
	DoNotCall command.DoNotCall `cmd:"" help:"Look up, add, remove, import and export whom nobody calls."`
	Agent     command.Agent     `cmd:"" help:"Add and list agents."`
	Extension command.Extension `cmd:"" help:"Add and list the phones of agents, and set desk phones' passwords."`
	Pause     command.Pause     `cmd:"" help:"Add, list and remove the pauses that agents may choose."`
	User      command.User      `cmd:"" help:"Add and list users of the console and the API."`
	Token     command.Token     `cmd:"" help:"Make, list and revoke API tokens; mint cookies for trying out."`
	Webhook   command.Webhook   `cmd:"" help:"Mend webhooks' endpoints when a key is lost."`
	Explain   command.Explain   `cmd:"" help:"Say why a contact is not called now, and when it may be."`
	Pace      command.Pace      `cmd:"" help:"Pace calls for an outside simulator: snapshots in, numbers of calls out."`
	Simulate  command.Simulate  `cmd:"" aliases:"what-if" help:"Say what a campaign's day would be like: agents, list and hours in, occupancy and abandoned calls out."`
	Shadow    command.Shadow    `cmd:"" help:"Play a recorded day of a campaign again, with other settings."`
	AMD       command.AMD       `cmd:"" name:"amd" help:"Tell people from answering machines in sound files."`
	Simulator simulatorCmd      `cmd:"" name:"mediatel-simulator" help:"Play a Mediatel server, to try a front end or this dialer against."`
	Doctor    doctorCmd         `cmd:"" help:"Check the configuration and every neighbour, and say what to mend."`
	Health    healthCmd         `cmd:"" help:"Ask the node of this machine if it is well; for health checks."`
	Version   versionCmd        `cmd:"" help:"Print the version."`

	Completion  completionCmd    `cmd:"" help:"Print what a shell needs to complete commands and flags."`
	ShowVersion kong.VersionFlag `name:"version" help:"Print the version."`
}

// console is where a command reads and writes.
type console = command.Console

func main() {
	ownFilesOnly()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], console{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}

// exit is how kong leaves when it has shown the help.
type exit int

// run parses the command line, runs the command and returns the exit code.
func run(ctx context.Context, args []string, c console) (code int) {
	defer func() {
		if r := recover(); r != nil {
			left, isExit := r.(exit)
			if !isExit {
				panic(r)
			}
			code = int(left)
		}
	}()
	parser := commandLine(ctx, c)
	kongplete.Complete(parser, kongplete.WithExitFunc(func(code int) { panic(exit(code)) })) // when a shell asks
	if len(args) == 0 || args[0] == "help" {
		args = append(slices.Clone(args[min(len(args), 1):]), "--help")
	}
	parsed, err := parser.Parse(args)
	if err == nil {
		err = parsed.Run()
	}
	return report(c.Err, err)
}

// commandLine knows every command and flag.
func commandLine(ctx context.Context, c console) *kong.Kong {
	parser, err := kong.New(&commands{},
		kong.Name("ringmaster"),
		kong.Description("An automated dialer. Start with `ringmaster demo`; every command explains itself with --help."),
		kong.Writers(c.Out, c.Err),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(c),
		kong.Vars{"checks": strings.Join(doctor.Checks(), ", "), "version": versionLine()},
	)
	if err != nil {
		panic(err) // the structs above are wrong: no input can cause it
	}
	return parser
}

// report tells a failure and turns it into an exit code.
func report(w io.Writer, err error) int {
	var misuse *kong.ParseError
	var coded kong.ExitCoder
	err = command.InWords(err)
	switch {
	case err == nil:
		return exitWell
	case errors.As(err, &misuse):
		fmt.Fprintf(w, "ringmaster: %v\nTry: ringmaster %s--help\n", err, commandPath(misuse.Context))
		return exitUsage
	case errors.As(err, &coded):
		if text := err.Error(); text != "" {
			fmt.Fprintf(w, "ringmaster: %s\n", text)
		}
		return coded.ExitCode()
	}
	fmt.Fprintf(w, "ringmaster: %v\n", err)
	return exitFailed
}

// commandPath is the command that was being parsed, with a space behind it; empty when there was none.
func commandPath(parsed *kong.Context) string {
	if parsed == nil || parsed.Command() == "" {
		return ""
	}
	return parsed.Selected().FullPath()[len("ringmaster "):] + " "
}

// silent ends a command with a code after it has said all there is to say.
type silent int

func (silent) Error() string   { return "" }
func (s silent) ExitCode() int { return int(s) }

// usageError is a wrong use that the parser cannot see.
func usageError(format string, args ...any) error {
	return config.Errorf(format, args...)
}
