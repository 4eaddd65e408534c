package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
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
It differs from production in configuration alone, and its data lies in a temporary folder unless --data says where to keep it.`,
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
			}
			o.Now, o.Version = time.Now, version()
			o.Log = newLog(cmd.ErrOrStderr(), config.Log{Level: config.LevelWarn, Format: config.FormatText})
			if !cmd.Flags().Changed("addr") {
				o.Addr = freeUnless(o.Addr)
			}
			if !cmd.Flags().Changed("gateway-addr") {
				o.GatewayAddr = freeUnless(o.GatewayAddr)
			}
			out := cmd.OutOrStdout()
			return demo.Run(cmd.Context(), o, func(f demo.Facts) {
				if asJSON {
					_ = json.NewEncoder(out).Encode(f)
					return
				}
				tellDemo(out, f, o.Folder)
			})
		},
	}
	cmd.Flags().StringVar(&o.Addr, "addr", "127.0.0.1:8080", "where the dashboard listens; port 0 takes a free one")
	cmd.Flags().StringVar(&o.GatewayAddr, "gateway-addr", "127.0.0.1:8081", "where the gateway listens; port 0 takes a free one")
	cmd.Flags().StringVar(&o.Folder, "data", "", "keep the data in this folder")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object when ready, and nothing else")
	return cmd
}

// freeUnless keeps an address nobody uses and otherwise lets the system choose a port.
func freeUnless(addr string) string {
	l, err := net.Listen("tcp", addr) //nolint:noctx // closed at once
	if err != nil {
		host, _, _ := net.SplitHostPort(addr)
		return net.JoinHostPort(host, "0")
	}
	_ = l.Close()
	return addr
}

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
	return os.MkdirAll(absolute, 0o700)
}

// tellDemo says what to do next, and leaves a key file that the printed command can use.
func tellDemo(out io.Writer, f demo.Facts, folder string) {
	keyFile := filepath.Join(folder, "demo-key.json")
	if raw, err := json.MarshalIndent(f.Keys[0], "", "  "); err == nil {
		_ = os.WriteFile(keyFile, raw, 0o600)
	}
	fmt.Fprintf(out, `
Sallyport is ready.

  Dashboard   %s
  Exchange    %s   (open it from the dashboard)
  Mails       %s
  Gateway     %s   (signed requests)

Sign up on the dashboard; the code arrives under Mails. Or sign in as one of these:

`, f.Dashboard, f.Exchange, f.Mail, f.Gateway)
	for _, u := range f.Users {
		fmt.Fprintf(out, "  %-10s %s   password %s   authenticator secret %s\n", u.Role, u.Email, u.Password, u.TOTPSecret)
	}
	fmt.Fprintf(out, `
Place a signed order from another terminal:

  %s call POST %s/v1/orders --key-file %s \
    --data '{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.001","price":"50000000"}'

Stop with Ctrl-C.
`, command(), f.Gateway, keyFile)
}

// command is how this very program was started, so that the printed line runs as it stands.
func command() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	return "sallyport"
}
