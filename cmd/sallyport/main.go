// Command sallyport is the guarded gate of a trading platform in one binary: the server, its host's command line, and the tools of those who
// sign requests.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// Exit codes: 0 done, 1 failed, 2 called wrongly, 3 refused by the server.
const (
	exitFailed  = 1
	exitUsage   = 2
	exitRefused = 3
)

// exitError carries an exit code out of a command.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usage(err error) error { return &exitError{exitUsage, err} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends what drains at once
	cmd := root()
	begun := false
	onRun(cmd, func() { begun = true })
	called, err := cmd.ExecuteContextC(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "sallyport:", unobeyed(words(err))) // it may quote a server that was called, or a file
	code := exitFailed
	if e, ok := errors.AsType[*exitError](err); ok {
		code = e.code
	}
	if !begun {
		// An unknown command, a wrong number of arguments or a missing flag: cobra refuses these before a command runs.
		code = exitUsage
		fmt.Fprintf(os.Stderr, "%s --help shows how to call it.\n", called.CommandPath())
	}
	os.Exit(code)
}

// takes are the arguments of a command, by the names that its help gives them.
func takes(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return fmt.Errorf("this takes %s, and got %d of %d", strings.Join(names, " "), len(args), len(names))
	}
}

// atLeast demands one argument by its name, and takes more.
func atLeast(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return fmt.Errorf("this takes %s first, and got nothing", name)
	}
}

// onRun has begin called when a command begins to run.
func onRun(cmd *cobra.Command, begin func()) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			begin()
			return run(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		onRun(sub, begin)
	}
}

// words is an error for the person at the terminal: a refusal in the registry's words, with its code to look up; anything else as it is.
func words(err error) string {
	if _, refused := errors.AsType[*fault.Error](err); !refused {
		return err.Error()
	}
	entry, title, fix, _ := httpx.Explain(err, "en")
	return fmt.Sprintf("%s %s (%s)", title, fix, entry.Code)
}

// help shows both texts of a command: what it does in a line, and what else there is to know. The root's Long holds its Short. It is no
// template of cobra's, because with text/template in it the linker keeps every method of the program.
func help(cmd *cobra.Command, _ []string) {
	out := cmd.OutOrStdout()
	if cmd.HasParent() {
		fmt.Fprintf(out, "%s\n\n", cmd.Short)
	}
	if cmd.Long != "" {
		fmt.Fprintf(out, "%s\n\n", cmd.Long)
	}
	fmt.Fprint(out, cmd.UsageString())
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sallyport",
		Short: "The guarded gate of a trading platform",
		Long: `Sallyport is the guarded gate of a trading platform: sign-in, passkeys and second factors,
sessions, signed API keys, and a gateway that lets through only what somebody may do now.`,
		Example: `  sallyport demo                                  a whole installation on this machine, to try
  sallyport serve --config sallyport.yaml         the server
  sallyport doctor --config sallyport.yaml        every setting and what is wrong with it
  sallyport call GET http://127.0.0.1:8081/v1/accounts --key-file key.json`,
		SilenceUsage: true, SilenceErrors: true, Version: version(),
	}
	cmd.SetHelpFunc(help)
	cmd.AddCommand(
		serveCommand(), demoCommand(), migrateCommand(), doctorCommand(),
		userCommand(), caseCommand(), memberCommand(), subaccountCommand(), keyCommand(), keyringCommand(), auditCommand(), mailCommand(),
		routesCommand(), callCommand(), signCommand(), keygenCommand(), keychainCommand(), versionCommand(),
	)
	return cmd
}
