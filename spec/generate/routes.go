package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// The words of spec/routes.tsv and the constants of package route that they become.
var (
	needsOf     = map[string]string{"public": "Public", "pre": "Pre", "session": "Session", "session-or-key": "SessionOrKey", "key": "Key"}
	assuranceOf = map[string]string{"none": "AssuranceNone", "pwd": "AssurancePwd", "mfa": "AssuranceMfa", "step-up": "AssuranceStepUp"}
	methods     = map[string]bool{"GET": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true}
)

// routeTable turns spec/routes.tsv into the table of package route.
func routeTable() error {
	rows, err := table("spec/routes.tsv", 8)
	if err != nil {
		return err
	}
	known, err := knownActions()
	if err != nil {
		return err
	}
	var lines bytes.Buffer
	seen, last := map[string]bool{}, ""
	for _, row := range rows {
		door, method, pattern, needs, power, assurance, rate := row[0], row[1], row[2], needsOf[row[3]], dash(row[4]), assuranceOf[row[5]], dash(row[6])
		name := strings.Join(row[:3], " ")
		_, unknown := scope.Parse(power)
		switch {
		case seen[name] || door < last:
			return fmt.Errorf("spec/routes.tsv: %s stands twice, or not among the lines of its door", name)
		case !methods[method] || !strings.HasPrefix(pattern, "/"):
			return fmt.Errorf("spec/routes.tsv: %s is no method and path", name)
		case needs == "" || assurance == "":
			return fmt.Errorf("spec/routes.tsv: %s: unknown needs %q or assurance %q", name, row[3], row[5])
		case power != "" && power != "setting" && unknown != nil:
			return fmt.Errorf("spec/routes.tsv: %s: unknown scope %q", name, power)
		}
		seen[name], last = true, door
		actions := "nil"
		if audit := dash(row[7]); audit != "" {
			words := strings.Split(audit, ",")
			for _, word := range words {
				if !known[word] {
					return fmt.Errorf("spec/routes.tsv: %s: spec/actions.tsv has no %q", name, word)
				}
			}
			actions = fmt.Sprintf("%#v", words)
		}
		fmt.Fprintf(&lines, "\t{%q, %q, %q, %s, %q, %s, %q, %s},\n", door, method, pattern, needs, power, assurance, rate, actions)
	}
	source := fmt.Sprintf("%spackage route\n\n// lines is spec/routes.tsv.\nvar lines = []Line{\n%s}\n", notice, lines.String())
	return writeGo("internal/httpx/route/table.gen.go", []byte(source))
}

// dash reads a cell in which a dash stands for nothing.
func dash(cell string) string {
	if cell == "-" {
		return ""
	}
	return cell
}

func knownActions() (map[string]bool, error) {
	rows, err := table("spec/actions.tsv", 4)
	known := map[string]bool{}
	for _, row := range rows {
		known[row[0]] = true
	}
	return known, err
}
