package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

func routesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "routes", Short: "Try an upstream's routes file before the gateway reads it",
		Example: `  sallyport routes test paper.yaml`,
	}
	cmd.AddCommand(routesTestCommand())
	return cmd
}

func routesTestCommand() *cobra.Command {
	var examples, host, environment string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "test FILE [REQUEST...]", Short: "Check a routes file, and say what it makes of example requests", Args: atLeast("FILE"),
		Long: `A REQUEST is a method and a target: "GET /v1/orders?market=KRW-BTC". Without any, every route is listed.
With --requests the examples stand in a YAML file, each with what it is expected to be:

  requests:
    - {request: "GET /v1/accounts", class: look, scope: "balances:read"}
    - {request: "GET /v1//accounts", refused: gateway.path_refused}
    - {request: "GET /v1/accounts", environment: live, class: look, assurance: phr, needs: [phishing_resistant]}
    - request: POST /v1/withdraws/coin
      body: '{"currency":"BTC","address":"bc1q","amount":"0.5"}'
      class: withdraw
      transaction: {asset: BTC, address: bc1q, amount: "0.5"}
    - request: POST /v1/orders
      body: '{"market":"KRW-BTC","volume":"0.5","price":"100"}'
      class: order
      order: {market: KRW-BTC, quantity: "0.5", price: "100"}

Exit codes: 0 the file holds and every expectation is met; 1 it does not; 3 a REQUEST of the command line is not offered.
It reads the files and nothing else.`,
		Example: `  sallyport routes test paper.yaml
  sallyport routes test paper.yaml "POST /v1/orders" "DELETE /v1/order?uuid=x"
  sallyport routes test paper.yaml --requests paper-requests.yaml --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			routes, err := readRoutes(args[0])
			if err != nil {
				return err
			}
			list, err := readExamples(args[1:], examples)
			if err != nil {
				return err
			}
			for i := range list[:len(args)-1] {
				list[i].Host, list[i].Environment = host, environment
			}
			rows := make([]routeRow, 0, len(list))
			for _, e := range list {
				rows = append(rows, e.try(routes))
			}
			if len(list) == 0 {
				for _, r := range routes.List() {
					rows = append(rows, rowOf(r))
				}
			}
			return errors.Join(tellRoutes(cmd.OutOrStdout(), rows, asJSON), verdictOf(rows))
		},
	}
	cmd.Flags().StringVar(&examples, "requests", "", "a YAML file with example requests and what is expected of them")
	cmd.Flags().StringVar(&host, "host", "", "the host at which the REQUESTs come in")
	cmd.Flags().StringVar(&environment, "environment", "", "the environment of that host: live or test")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON")
	return cmd
}

func readRoutes(path string) (*gateway.Routes, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	routes, err := gateway.ParseRoutes(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return routes, nil
}

// routeExample is one request with what is expected of it; nothing expected is anything offered.
type routeExample struct {
	Request     string   `yaml:"request"`
	Body        string   `yaml:"body"`
	ContentType string   `yaml:"content_type"`
	Class       string   `yaml:"class"`
	Scope       string   `yaml:"scope"`
	Assurance   string   `yaml:"assurance"`
	Needs       []string `yaml:"needs"`
	Refused     string   `yaml:"refused"`
	// Host and Environment are where it comes in; any, if they are not said.
	Host        string            `yaml:"host"`
	Environment string            `yaml:"environment"`
	Transaction map[string]string `yaml:"transaction"`
	Order       map[string]string `yaml:"order"`
}

func readExamples(arguments []string, path string) (list []routeExample, err error) {
	for _, request := range arguments {
		list = append(list, routeExample{Request: request})
	}
	if path == "" {
		return list, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Requests []routeExample `yaml:"requests"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, e := range file.Requests {
		if e.Class == "" && e.Refused == "" {
			return nil, fmt.Errorf("%s: %s: say what is expected, class or refused", path, e.Request)
		}
	}
	return append(list, file.Requests...), nil
}

// routeRow is what the file makes of one request.
type routeRow struct {
	Request     string            `json:"request,omitempty"`
	Route       string            `json:"route,omitempty"`
	Class       string            `json:"class,omitempty"`
	Scope       string            `json:"scope,omitempty"`
	Assurance   string            `json:"assurance,omitempty"`
	Needs       []string          `json:"needs,omitempty"`
	Host        string            `json:"host,omitempty"`
	Environment string            `json:"environment,omitempty"`
	Poll        bool              `json:"poll,omitempty"`
	Transaction map[string]string `json:"transaction,omitempty"`
	Order       map[string]string `json:"order,omitempty"`
	// Weighed are the fields of an order that ceilings weigh it by: the more of the amount and of the quantity at its price.
	Weighed []string `json:"weighed,omitempty"`
	Limits  string   `json:"limits,omitempty"`
	Refused string   `json:"refused,omitempty"`
	// Unmet is what was expected otherwise.
	Unmet []string `json:"unmet,omitempty"`

	asked bool // on the command line, where a refusal is an answer
}

func rowOf(r *gateway.Route) routeRow {
	row := routeRow{Route: r.Name(), Class: r.Class.String(), Poll: r.Poll, Limits: r.Limits()}
	if r.Class != scope.Public {
		row.Scope, row.Assurance = r.Scope.String(), r.Needs.String()
	}
	for _, p := range r.Properties {
		row.Needs = append(row.Needs, string(p))
	}
	row.Host = r.Place.Host
	if r.Place.Environment != 0 {
		row.Environment = r.Place.Environment.String()
	}
	return row
}

func (e routeExample) try(routes *gateway.Routes) routeRow {
	method, target, _ := strings.Cut(e.Request, " ")
	row := routeRow{}
	place, err := gateway.ParsePlace(e.Host, e.Environment)
	var route *gateway.Route
	var said map[string]string
	if err == nil {
		route, said, err = routes.Read(gateway.Example{Method: method, Target: target, Place: place, Body: e.Body, ContentType: e.ContentType})
	}
	if route != nil {
		row = rowOf(route)
	}
	row.Request, row.asked = e.Request, e.Class == "" && e.Refused == ""
	if route != nil && route.Class == scope.Order {
		row.Order, row.Weighed = said, route.Weighed(said)
	} else {
		row.Transaction = said
	}
	switch f, refused := errors.AsType[*fault.Error](err); {
	case refused:
		row.Refused = string(f.Code)
	case err != nil:
		row.Unmet = []string{err.Error()}
		return row
	}
	if row.asked {
		return row
	}
	expect := func(what, want, got string) {
		if want != got {
			row.Unmet = append(row.Unmet, fmt.Sprintf("%s: want %q, found %q", what, want, got))
		}
	}
	expect("refused", e.Refused, row.Refused)
	if e.Class != "" {
		expect("class", e.Class, row.Class)
	}
	if e.Scope != "" {
		expect("scope", e.Scope, row.Scope)
	}
	if e.Assurance != "" {
		expect("assurance", e.Assurance, row.Assurance)
	}
	if e.Needs != nil {
		expect("needs", strings.Join(e.Needs, ","), strings.Join(row.Needs, ","))
	}
	if e.Transaction != nil {
		expect("transaction", pairs(e.Transaction), pairs(row.Transaction))
	}
	if e.Order != nil {
		expect("order", pairs(e.Order), pairs(row.Order))
	}
	return row
}

func pairs(m map[string]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, name+"="+m[name])
	}
	return strings.Join(list, " ")
}

func tellRoutes(out io.Writer, rows []routeRow, asJSON bool) error {
	if asJSON {
		return printJSON(out, rows)
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	requests := slices.ContainsFunc(rows, func(r routeRow) bool { return r.Request != "" }) // without any, every route is listed
	if requests {
		fmt.Fprint(table, "REQUEST\t")
	}
	fmt.Fprintln(table, "ROUTE\tCLASS\tSCOPE\tASSURANCE\tNOTE")
	for _, r := range rows {
		weighed := ""
		if len(r.Weighed) > 0 {
			weighed = "weighed by " + strings.Join(r.Weighed, ", ")
		}
		needs := ""
		if len(r.Needs) > 0 {
			needs = "needs " + strings.Join(r.Needs, ", ")
		}
		notes := append([]string{r.Host, r.Environment, needs, pairs(r.Transaction), pairs(r.Order), weighed, r.Limits, r.Refused}, r.Unmet...)
		notes = slices.DeleteFunc(notes, func(text string) bool { return text == "" })
		if requests {
			fmt.Fprint(table, r.Request+"\t")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.Route, r.Class, r.Scope, r.Assurance, strings.Join(notes, " "))
	}
	return table.Flush()
}

func verdictOf(rows []routeRow) error {
	unmet, refused := 0, 0
	for _, r := range rows {
		if len(r.Unmet) > 0 {
			unmet++
		}
		if r.asked && r.Refused != "" {
			refused++
		}
	}
	switch {
	case unmet > 0:
		return fmt.Errorf("%d of %d requests are not what is expected of them", unmet, len(rows))
	case refused > 0:
		return &exitError{exitRefused, fmt.Errorf("%d of %d requests are not offered", refused, len(rows))}
	}
	return nil
}
