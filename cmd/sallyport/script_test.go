package main_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/demo"
	"github.com/seed-21c57000/sallyport/internal/kit/program"
	"github.com/seed-21c57000/sallyport/internal/kit/rawsql"
)

func TestMain(m *testing.M) { program.Main(m) }

// TestScripts runs the scripts of testdata/script with the real program. Beside testscript's own commands they have:
//
//	exits CODE PROGRAM ARGUMENTS…      the program ends with exactly this exit code
//	ready FOLDER                       wait until the demo or server on this folder answers; sets DASHBOARD (host and port) and GATEWAY (an origin)
//	[!] eventually PROGRAM ARGUMENTS…  run the program until it succeeds, or fails
//	onejson FILE                       the file is one JSON object on one line, and nothing else
//	sql DATABASE STATEMENT             change the database behind the program's back
func TestScripts(t *testing.T) { runScripts(t, "testdata/script") }

// runScripts runs the scripts of a folder, each with these lines added to its environment.
func runScripts(t *testing.T, folder string, environ ...string) {
	t.Helper()
	bin := t.TempDir()
	if err := os.Symlink(program.Build(t, program.Sallyport), filepath.Join(bin, "sallyport")); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: folder, RequireUniqueNames: true, RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, environ...)
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "ready": ready, "eventually": eventually, "onejson": oneJSON, "sql": changeRows,
		},
	})
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if ended, failed := errors.AsType[*exec.ExitError](ts.Exec(args[1], args[2:]...)); failed {
		code = ended.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// patience bounds every wait, so that a stuck program fails its script.
const patience = time.Minute

// poll asks until the answer is yes.
func poll(ts *testscript.TestScript, what string, happened func() bool) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); !happened(); <-tick.C {
		if time.Since(began) > patience {
			ts.Fatalf("%s: not after %v", what, patience)
		}
	}
}

func ready(ts *testscript.TestScript, _ bool, args []string) {
	folder := ts.MkAbs(args[0])
	poll(ts, "ready", func() bool {
		// Read anew each time: a second start writes the file again, with other ports.
		cfg, err := config.Load(filepath.Join(folder, demo.ConfigFile), nil)
		if err != nil {
			return false
		}
		ts.Setenv("DASHBOARD", string(cfg.Dashboard.Listen))
		ts.Setenv("GATEWAY", "http://"+string(cfg.Gateway.Listen))
		return healthy("http://" + string(cfg.Dashboard.Listen) + "/healthz")
	})
}

func healthy(address string) bool {
	client := http.Client{Timeout: 5 * time.Second}
	answer, err := client.Get(address) //nolint:noctx // bounded by its own time
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func eventually(ts *testscript.TestScript, neg bool, args []string) {
	poll(ts, strings.Join(args, " "), func() bool { return (ts.Exec(args[0], args[1:]...) != nil) == neg })
}

func oneJSON(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	decoder := json.NewDecoder(strings.NewReader(text))
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		ts.Fatalf("%s is no JSON object: %v", text, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) || strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		ts.Fatalf("more than one object on one line: %q", text)
	}
}

func changeRows(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(rawsql.Exec(ts.MkAbs(args[0]), args[1]))
}
