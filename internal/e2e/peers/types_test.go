package peers_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kit/program"
)

// esbuild bundles the dashboard's scripts without looking at their types; the compiler looks, and finds a mistake that is put in.
func TestTheDashboardsScriptsKeepTheirTypes(t *testing.T) {
	program.Missing(t, "node")
	compiler, err := filepath.Abs(filepath.Join(needPackages(t), ".bin", "tsc"))
	if err != nil {
		t.Fatal(err)
	}
	folder := checkout(t, "web/tsconfig.json", "web/src")
	run(t, folder, compiler, nil, "-p", "web/tsconfig.json", "--noEmit")

	wrong := filepath.Join(folder, "web/src/wrong.ts")
	if err := os.WriteFile(wrong, []byte("export const wrong: number = document.title;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), compiler, "-p", "web/tsconfig.json", "--noEmit")
	cmd.Dir = folder
	if said, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(said), "TS2322") {
		t.Errorf("a text that is called a number passes: %v\n%s", err, said)
	}
}
