package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/server"
)

const configFlag = "config"

func withConfig(cmd *cobra.Command) *cobra.Command {
	cmd.PersistentFlags().StringP(configFlag, "c", "sallyport.yaml", "the configuration file")
	return cmd
}

func loadConfig(cmd *cobra.Command) (config.Config, error) {
	path, err := cmd.Flags().GetString(configFlag)
	if err != nil {
		return config.Config{}, err
	}
	cfg, err := config.Load(path, os.Environ())
	if errors.Is(err, fs.ErrNotExist) {
		return cfg, usage(fmt.Errorf("there is no configuration file %s: --config says where it is, docs/reference/config.md what belongs into it", path))
	}
	if err != nil {
		return cfg, usage(err)
	}
	return cfg, nil
}

func newLog(w io.Writer, cfg config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == config.FormatText {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

func serveCommand() *cobra.Command {
	return withConfig(&cobra.Command{
		Use: "serve", Short: "Run the server", Args: cobra.NoArgs,
		Example: "  sallyport serve --config sallyport.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), cfg, newLog(cmd.ErrOrStderr(), cfg.Log))
		},
	})
}

func serve(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	claim, err := server.Claim(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = claim.Close() }()
	srv, err := server.New(ctx, cfg, server.Options{Now: time.Now, Log: log})
	if err != nil {
		return err
	}
	defer func() { _ = srv.Close() }()
	if err := srv.Started(ctx, version()); err != nil {
		return err
	}
	listeners, err := server.Listen(ctx, cfg)
	if err != nil {
		return err
	}
	defer listeners.Close()
	return srv.Run(ctx, listeners, func() {
		log.Info("ready", "dashboard", cfg.Dashboard.Origin, "listen", cfg.Dashboard.Listen, "gateway", cfg.Gateway.Listen, "version", version())
	})
}

// openRooms opens the installation for one command of the host.
func openRooms(cmd *cobra.Command) (*server.Rooms, error) {
	cfg, err := loadConfig(cmd)
	if err != nil {
		return nil, err
	}
	quiet := config.Log{Level: config.LevelError, Format: config.FormatText}
	return server.OpenRooms(cmd.Context(), cfg, server.Options{Now: time.Now, Log: newLog(cmd.ErrOrStderr(), quiet)})
}

func migrateCommand() *cobra.Command {
	return withConfig(&cobra.Command{
		Use: "migrate", Short: "Bring the database's schema to this release's version", Args: cobra.NoArgs,
		Long:    "Migrations go forward only, and the release before this one runs on the new schema. serve does the same when it starts.",
		Example: "  sallyport migrate --config sallyport.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			if err := server.Migrate(cmd.Context(), cfg, newLog(cmd.ErrOrStderr(), cfg.Log)); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "The schema is up to date.")
			return nil
		},
	})
}

func version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, setting := range build.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return build.Main.Version
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs, Example: "  sallyport version",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version())
			return err
		},
	}
}
