// Command sallyport is the guarded gate of a trading platform in one binary: the server, its host's command line, and the tools of those who
// sign requests.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
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
	err := root().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "sallyport:", err)
	code := exitFailed
	if e, ok := errors.AsType[*exitError](err); ok {
		code = e.code
	}
	os.Exit(code)
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
		SilenceUsage: true, SilenceErrors: true,
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	cmd.AddCommand(
		serveCommand(), demoCommand(), migrateCommand(), doctorCommand(),
		userCommand(), keyCommand(), keyringCommand(), auditCommand(),
		callCommand(), signCommand(), keygenCommand(), versionCommand(),
	)
	return cmd
}
