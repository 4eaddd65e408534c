package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/demo"
)

func demoCommand() *cobra.Command {
	var o demo.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Run a whole installation on this machine, to try", Args: cobra.NoArgs,
		Long: `Runs the dashboard, the gateway, a paper exchange behind it and a catcher for its mails.
It differs from production in configuration alone. Its data lies in a temporary folder that goes when it ends, unless --data says where to keep it.`,
		Example: `  sallyport demo
  sallyport demo --data ./demo-data
  sallyport demo --json --addr 127.0.0.1:0 --gateway-addr 127.0.0.1:0`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			temporary := o.Folder == ""
			if err := demoFolder(&o.Folder); err != nil {
				return err
			}
			if temporary {
				defer func() { _ = os.RemoveAll(o.Folder) }()
				removeAtSecondSignal(o.Folder)
			}
			o.Now, o.Version = time.Now, version()
			o.Log = newLog(cmd.ErrOrStderr(), config.Log{Level: config.LevelWarn, Format: config.FormatText})
			var elsewhere moved
			if !cmd.Flags().Changed("addr") {
				elsewhere.dashboard = freeUnless(&o.Addr)
			}
			if !cmd.Flags().Changed("gateway-addr") {
				elsewhere.gateway = freeUnless(&o.GatewayAddr)
			}
			out := cmd.OutOrStdout()
			err := demo.Run(cmd.Context(), o, func(f demo.Facts) error {
				if asJSON {
					return json.NewEncoder(out).Encode(f)
				}
				tellDemo(out, f, o.Folder)
				elsewhere.tell(out, f)
				return nil
			})
			if errors.Is(err, syscall.EADDRINUSE) {
				return fmt.Errorf("%w: another program is there; --addr and --gateway-addr take another port, and 0 a free one", err)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&o.Addr, "addr", "127.0.0.1:8080", "where the dashboard listens; port 0 takes a free one")
	cmd.Flags().StringVar(&o.GatewayAddr, "gateway-addr", "127.0.0.1:8081", "where the gateway listens; port 0 takes a free one")
	cmd.Flags().StringVar(&o.Folder, "data", "", "keep the data in this folder")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object when ready, and nothing else")
	return cmd
}

// moved holds the usual ports that were taken; "" is one that was not.
type moved struct{ dashboard, gateway string }

func (m moved) tell(out io.Writer, f demo.Facts) {
	if m.dashboard != "" {
		fmt.Fprintf(out, "\nPort %s is taken: the dashboard is at %s instead.\n", m.dashboard, f.Dashboard)
	}
	if m.gateway != "" {
		fmt.Fprintf(out, "\nPort %s is taken: the gateway is at %s instead; put this into the README's lines.\n", m.gateway, f.Gateway)
	}
}

// freeUnless keeps an address nobody uses. Otherwise it lets the system choose a port, and gives the one that is taken.
func freeUnless(addr *string) (taken string) {
	l, err := net.Listen("tcp", *addr) //nolint:noctx // closed at once
	if err != nil {
		host, port, _ := net.SplitHostPort(*addr)
		*addr = net.JoinHostPort(host, "0")
		return port
	}
	_ = l.Close()
	return ""
}

// demoFolder makes the folder. What it holds are keys and passwords: git sees none of a folder that was made for it.
func demoFolder(folder *string) error {
	if *folder == "" {
		var err error
		*folder, err = os.MkdirTemp("", "sallyport-demo-")
		return err
	}
	absolute, err := filepath.Abs(*folder)
	if err != nil {
		return err
	}
	*folder = absolute
	if _, err := os.Stat(absolute); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(absolute, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(absolute, ".gitignore"), []byte("*\n"), 0o600)
}

// removeAtSecondSignal removes a temporary folder also when somebody does not wait until the demo has drained.
func removeAtSecondSignal(folder string) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		<-signals
		_ = os.RemoveAll(folder)
		os.Exit(exitFailed)
	}()
}

// tellDemo says what to do next.
func tellDemo(out io.Writer, f demo.Facts, folder string) {
	fmt.Fprintf(out, `
Sallyport is ready. All of it runs on this machine, with paper money.

  Dashboard       %s
  Exchange        %s   (its page; you sign in on the dashboard)
  Gateway         %s   (the exchange's API; takes signed requests)
  Confirmations   %s   (a withdrawal is confirmed here, with a passkey)
  Mails           %s   (every mail of the demo arrives here)

Sign up on the dashboard: the code arrives under Mails. Or sign in as one of these; their authenticator codes are at
%s/codes

`, f.Dashboard, f.Exchange, f.Gateway, f.Confirmations, f.Mail, f.Mail)
	for _, u := range f.Users {
		fmt.Fprintf(out, "  %-9s %s   password %s\n", u.Role, u.Email, u.Password)
	}
	fmt.Fprintf(out, `
They have no passkey yet, and need one to withdraw: add it at %[6]s/methods
The operator may do no more than the trader so far: operators act on users from this machine's command line.

  %[1]s user show %[2]s --config %[3]s

Your first signed request, from another terminal:

  %[1]s call POST %[4]s/v1/orders --key-file %[5]s \
    --data '{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.001","price":"50000000"}'

Stop with Ctrl-C.
`, command(), f.Users[0].Email, filepath.Join(folder, demo.ConfigFile), f.Gateway, demo.KeyFile(folder, f.Keys[0]), f.Dashboard)
}

// command is how this very program was started, so that the printed line runs as it stands.
func command() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	return "sallyport"
}
