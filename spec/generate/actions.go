package main

import (
	"bytes"
	"fmt"
)

// auditActions turns spec/actions.tsv into the constants and the table of package audit.
func auditActions() error {
	rows, err := table("spec/actions.tsv", 4)
	if err != nil {
		return err
	}
	var constants, entries bytes.Buffer
	for _, row := range rows {
		action, kind, english, korean := row[0], row[1], row[2], row[3]
		quiet := kind == "quiet"
		if !quiet && kind != "event" {
			return fmt.Errorf("spec/actions.tsv: %s: unknown kind %q", action, kind)
		}
		if quiet != (english == "") || quiet != (korean == "") {
			return fmt.Errorf("spec/actions.tsv: %s: events have a text in both languages, quiet actions have none", action)
		}
		comment := english
		if quiet {
			comment = "leaves no event"
		}
		fmt.Fprintf(&constants, "\t// %s: %s\n\t%s Action = %q\n", goName(action), comment, goName(action), action)
		fmt.Fprintf(&entries, "\t%s: {Quiet: %t, English: %q, Korean: %q},\n", goName(action), quiet, english, korean)
	}
	source := fmt.Sprintf("%spackage audit\n\n// The actions of spec/actions.tsv.\nconst (\n%s)\n\n// actions maps action → line of spec/actions.tsv.\nvar actions = map[Action]Words{\n%s}\n", notice, constants.String(), entries.String())
	return writeGo("internal/record/audit/actions.gen.go", []byte(source))
}
