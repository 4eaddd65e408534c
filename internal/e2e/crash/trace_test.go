package crash_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/program"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
)

// TestNothingIsAcknowledgedBeforeItIsSynced watches the system calls of the real server. Between the arrival of each request and the first
// byte of its answer, its rows are written to the journal and the journal is synced after that.
func TestNothingIsAcknowledgedBeforeItIsSynced(t *testing.T) {
	strace := program.Missing(t, "strace")
	const each = 25
	w := newOwner(t, program.InstallOptions{}, each)
	sessions := w.sessions(each)
	p := w.Serve(t)
	w.arrive()
	trace := watch(t, strace, p)
	for i, key := range w.keys {
		if err := w.end(t.Context(), "/v1/sessions/"+sessions[i]); err != nil {
			t.Fatal(err)
		}
		if err := w.revoke(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if err := w.spend(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.end(t.Context(), "/v1/session"); err != nil {
		t.Fatal(err)
	}
	calls := trace()
	for _, kind := range []struct {
		name, request, answer string
		want                  int
	}{
		{"revocations of a key", "DELETE /v1/keys/", "HTTP/1.1 204 ", each},
		{"revocations of a session", "DELETE /v1/sessions/", "HTTP/1.1 204 ", each},
		{"sign-outs", "DELETE /v1/session ", "HTTP/1.1 204 ", 1},
		{"spent tokens", "GET /v1/accounts ", "HTTP/1.1 200 ", each},
	} {
		held, unsynced := acknowledged(calls, kind.request, kind.answer)
		if held != kind.want || len(unsynced) > 0 {
			t.Errorf("%s: %d of %d were synced before the answer; not so:\n%s", kind.name, held, kind.want, strings.Join(unsynced, "\n"))
		}
	}
}

// sessions signs the owner in from as many browsers.
func (w *owner) sessions(count int) (ids []string) {
	w.t.Helper()
	rooms, closed := w.Rooms(w.t)
	defer closed()
	from := signin.From{Origin: principal.Origin{Addr: netip.MustParseAddr("127.0.0.1"), Agent: "test"}}
	for range count {
		in, err := rooms.SignIns.WithPassword(w.t.Context(), from, "ada@example.com", secret.FromString("password", program.Password))
		if err != nil {
			w.t.Fatal(err)
		}
		ids = append(ids, in.Session.ID.String())
	}
	return ids
}

// TestTheCheckerFindsWhatIsNotSynced runs a server that answers without a sync, in both ways in which SQLite can be told to.
func TestTheCheckerFindsWhatIsNotSynced(t *testing.T) {
	strace := program.Missing(t, "strace")
	for _, synchronous := range []string{"OFF", "NORMAL"} {
		t.Run(synchronous, func(t *testing.T) {
			in := &program.Installation{Folder: t.TempDir(), Dashboard: program.FreeAddress(t)}
			p := program.Start(t, program.Build(t, "./testdata/unsynced"), in.Dashboard, filepath.Join(in.Folder, "unsynced.db"), synchronous)
			in.WaitReady(t, p)
			w := &owner{Installation: in, t: t, http: &http.Client{}}
			t.Cleanup(w.http.CloseIdleConnections)
			trace := watch(t, strace, p)
			const each = 10
			for i := range each {
				if err := w.revoke(t.Context(), strconv.Itoa(i)); err != nil {
					t.Fatal(err)
				}
			}
			held, unsynced := acknowledged(trace(), "DELETE /v1/keys/", "HTTP/1.1 204 ")
			if held != 0 || len(unsynced) != each {
				t.Errorf("%d acknowledgements pass and %d are found, want all %d found", held, len(unsynced), each)
			}
		})
	}
}

// TestTheOrderInATraceCounts is the checker on traces written by hand.
func TestTheOrderInATraceCounts(t *testing.T) {
	const (
		request = `7 read(9<socket:[1]>, "DELETE /v1/keys/k HTTP/1.1\r\n"..., 4096) = 90`
		written = `7 pwrite64(5</x/s.db-wal>, "\0\0"..., 4096, 4152) = 4096`
		synced  = `7 fdatasync(5</x/s.db-wal>) = 0`
		answer  = `7 write(9<socket:[1]>, "HTTP/1.1 204 No Content\r\n"..., 70) = 70`
	)
	for _, row := range []struct {
		name  string
		lines []string
		held  int
	}{
		{"as it should be", []string{request, written, synced, answer}, 1},
		{"by another thread, in pieces", []string{
			request, `8 pwrite64(5</x/s.db-wal>, "\0\0"..., 4096, 4152 <unfinished ...>`, `8 <... pwrite64 resumed>) = 4096`,
			`8 fdatasync(5</x/s.db-wal> <unfinished ...>`, `9 read(3<pipe:[1]>, "", 1) = 0`, `8 <... fdatasync resumed>) = 0`, answer,
		}, 1},
		{"the request comes in pieces", []string{
			`7 read(9<socket:[1]>,  <unfinished ...>`, `7 <... read resumed>"DELETE /v1/keys/k HTTP/1.1\r\n"..., 4096) = 90`, written, synced, answer,
		}, 1},
		{"the first byte of the request comes alone", []string{
			`7 read(9<socket:[1]>, "D", 1) = 1`, `7 read(9<socket:[1]>, "ELETE /v1/keys/k HTTP/1.1\r\n"..., 4096) = 89`, written, synced, answer,
		}, 1},
		{"we stop watching during the answer", []string{request, written, synced, `7 write(9<socket:[1]>, "HTTP/1.1 204 No Content\r\n"..., 70 <detached ...>`}, 1},
		{"no sync", []string{request, written, answer}, 0},
		{"the sync ends after the answer has begun", []string{
			request, written, `8 fdatasync(5</x/s.db-wal> <unfinished ...>`, answer, `8 <... fdatasync resumed>) = 0`,
		}, 0},
		{"the sync began before the write had ended", []string{
			request, `7 pwrite64(5</x/s.db-wal>, "\0\0"..., 4096, 4152 <unfinished ...>`, `8 fdatasync(5</x/s.db-wal> <unfinished ...>`,
			`7 <... pwrite64 resumed>) = 4096`, `8 <... fdatasync resumed>) = 0`, answer,
		}, 0},
		{"the sync fails", []string{request, written, `7 fdatasync(5</x/s.db-wal>) = -1 EIO (Input/output error)`, answer}, 0},
		{"another file is synced", []string{request, written, `7 fdatasync(5</x/s.db>) = 0`, answer}, 0},
		{"an earlier request was synced", []string{request, written, synced, answer, request, answer}, 1},
		{"nothing was written", []string{request, synced, answer}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			calls, err := parseTrace(row.lines)
			if err != nil {
				t.Fatal(err)
			}
			if held, _ := acknowledged(calls, "DELETE /v1/keys/", "HTTP/1.1 204 "); held != row.held {
				t.Errorf("%d acknowledgements hold, want %d", held, row.held)
			}
		})
	}
}

// call is one system call: the lines of the trace at which it began and ended, the file it was about, the text it carried.
type call struct {
	name, file, text string
	began, ended     int
	failed           bool
}

// watch traces the calls of a running program until the function that it gives is called, which gives them.
func watch(t *testing.T, strace string, p *program.Process) func() []call {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trace")
	s := program.Start(t, strace, "-f", "-y", "-s", "64", "-e", "trace=read,write,pwrite64,fdatasync,fsync", "-o", file, "-p", strconv.Itoa(p.PID()))
	for !strings.Contains(s.Stderr(), "attached") {
		select {
		case <-s.Ended():
			t.Fatalf("strace: %s", s.Stderr())
		case <-time.After(5 * time.Millisecond):
		}
	}
	return func() []call {
		t.Helper()
		s.Signal(syscall.SIGINT)
		s.Wait()
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		var lines []string
		for scan := bufio.NewScanner(f); scan.Scan(); {
			lines = append(lines, scan.Text())
		}
		calls, err := parseTrace(lines)
		if err != nil {
			t.Fatal(err)
		}
		return calls
	}
}

var (
	callWhole   = regexp.MustCompile(`^(\d+) +(\w+)\(\d+<([^>]*)>(.*)\) += (-?\d+)`)
	callBegun   = regexp.MustCompile(`^(\d+) +(\w+)\(\d+<([^>]*)>(.*)<(?:unfinished|detached) \.\.\.>$`)
	callResumed = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+)`)
	callText    = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
)

// parseTrace reads what strace -f -y wrote, in the order in which the calls began. A call whose end was not seen failed, as far as we know.
func parseTrace(lines []string) ([]call, error) {
	open := map[string]int{} // thread → the call it is in
	var calls []call
	for n, line := range lines {
		if m := callWhole.FindStringSubmatch(line); m != nil {
			calls = append(calls, call{name: m[2], file: m[3], text: textOf(m[4]), began: n, ended: n, failed: m[5][0] == '-'})
		} else if m := callBegun.FindStringSubmatch(line); m != nil {
			open[m[1]] = len(calls)
			calls = append(calls, call{name: m[2], file: m[3], text: textOf(m[4]), began: n, ended: len(lines), failed: true})
		} else if m := callResumed.FindStringSubmatch(line); m != nil {
			i, begun := open[m[1]]
			if !begun {
				continue // before we watched
			}
			c := &calls[i]
			if c.name != m[2] {
				return nil, fmt.Errorf("line %d resumes %s, the thread was in %s", n+1, m[2], c.name)
			}
			c.text, c.ended, c.failed = c.text+textOf(m[3]), n, m[4][0] == '-'
			delete(open, m[1])
		}
	}
	return calls, nil
}

func textOf(arguments string) string {
	if m := callText.FindStringSubmatch(arguments); m != nil {
		return m[1]
	}
	return ""
}

// acknowledged goes through the answers to requests of one kind. held counts those before which the journal was written and then synced;
// unsynced are the others.
func acknowledged(calls []call, request, answer string) (held int, unsynced []string) {
	arrived := map[string]int{}  // socket → the line at which its last request of the kind had arrived
	first := map[string]string{} // socket → the first byte of a request, which net/http may read alone while it watches for the end of the client
	for _, c := range calls {
		if c.name == "read" && !c.failed {
			c.text = first[c.file] + c.text
			delete(first, c.file)
		}
		switch {
		case c.name == "read" && c.failed:
		case c.name == "read" && len(c.text) == 1:
			first[c.file] = c.text
		case c.name == "read" && strings.HasPrefix(c.text, request):
			arrived[c.file] = c.ended
		case c.name == "write" && strings.HasPrefix(c.text, answer):
			from, asked := arrived[c.file]
			if !asked {
				continue
			}
			delete(arrived, c.file)
			if syncedBetween(calls, from, c.began) {
				held++
				continue
			}
			unsynced = append(unsynced, fmt.Sprintf("request at line %d, answer at line %d", from+1, c.began+1))
		}
	}
	return held, unsynced
}

// syncedBetween says whether the journal was written and then successfully synced between two lines.
func syncedBetween(calls []call, from, to int) bool {
	written := 0
	for _, c := range calls {
		if c.failed || c.began <= from || c.ended >= to || !strings.HasSuffix(c.file, "-wal") {
			continue
		}
		switch c.name {
		case "write", "pwrite64":
			if written == 0 || c.ended < written {
				written = c.ended
			}
		case "fdatasync", "fsync":
			if written > 0 && c.began > written {
				return true
			}
		}
	}
	return false
}
