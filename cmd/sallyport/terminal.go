package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/kernel/line"
)

// plain is a text that a user wrote, for a terminal: as it is, or quoted with escapes where it holds what a terminal would obey or nobody
// would see. New texts hold nothing of the kind (package line); rows of an older release may.
func plain(text string) string {
	if clean, ok := line.Clean(text); ok && clean == text {
		return text
	}
	return strconv.QuoteToASCII(text)
}

// tell says what was done: as JSON where the command was asked for that with its flag --json, in words otherwise.
func tell(cmd *cobra.Command, fields map[string]any, text string) error {
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		return printJSON(cmd.OutOrStdout(), fields)
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), text)
	return err
}

// printJSON writes JSON that a terminal can show. A program reads the same text as it would otherwise (RFC 8259 §7).
func printJSON(out io.Writer, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, unobeyed(string(raw))+"\n")
	return err
}

// unobeyed is a text of several lines in which what a terminal would obey is escaped: control characters (encoding/json leaves those beyond ASCII as
// they are) and directions of writing.
func unobeyed(text string) string {
	var safe strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || !unicode.Is(unicode.C, r):
			safe.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&safe, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&safe, `\u%04x`, r)
		}
	}
	return safe.String()
}

// isTerminal says whether somebody reads it on a screen: a pipe and a file get every byte as it is.
func isTerminal(out io.Writer) bool {
	file, is := out.(*os.File)
	if !is {
		return false
	}
	stat, err := file.Stat()
	return err == nil && stat.Mode()&os.ModeCharDevice != 0
}

// withJSON gives a command that changes one thing the flag that tellDone reads.
func withJSON(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

// tellDone says what was done: in words, or with --json as the thing that it was done to.
func tellDone(cmd *cobra.Command, words string, thing map[string]string) error {
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		return printJSON(cmd.OutOrStdout(), thing)
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), words)
	return err
}
