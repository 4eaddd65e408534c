// Package published owns what a domain must publish in the DNS so that receivers believe its mails: SPF, DKIM and DMARC.
//
// It sends nothing, and asks the one resolver that it is handed.
//
// Invariant: what is not found, or cannot be asked, is never called in order; each finding says the record to publish.
package published

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
)

// Resolver asks the DNS; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Sender is who sends.
type Sender struct {
	// Domain is that of mail.from.
	Domain string
	// SigningDomain and Selector are those of the DKIM key, Record what it must publish; all empty if nothing is signed.
	SigningDomain, Selector, Record string
}

// Finding is what was found of one record.
type Finding struct {
	// Record is SPF, DKIM or DMARC; Name is where it lies.
	Record string `json:"record"`
	Name   string `json:"name,omitempty"`
	OK     bool   `json:"ok"`
	// Says is what was found, in words; Publish is what to publish instead, if it is not in order.
	Says    string `json:"says"`
	Publish string `json:"publish,omitempty"`
}

// Check looks at all three.
func Check(ctx context.Context, r Resolver, s Sender) []Finding {
	return []Finding{checkSPF(ctx, r, s), checkDKIM(ctx, r, s), checkDMARC(ctx, r, s)}
}

// one finds the only TXT record at a name that begins as wanted.
func one(ctx context.Context, r Resolver, name, begins string) (record, problem string) {
	all, err := r.LookupTXT(ctx, name)
	if gone, ok := errors.AsType[*net.DNSError](err); ok && gone.IsNotFound {
		return "", "there is none"
	}
	if err != nil {
		return "", fmt.Sprintf("the DNS could not be asked: %v", err)
	}
	for _, text := range all {
		if strings.HasPrefix(strings.ToLower(text), begins) {
			if record != "" {
				return "", "there are two, so receivers use neither"
			}
			record = text
		}
	}
	if record == "" {
		return "", "there is none"
	}
	return record, ""
}

// checkSPF reads RFC 7208 §4.5 and §5.1: one record, which ends with what becomes of all others.
func checkSPF(ctx context.Context, r Resolver, s Sender) Finding {
	f := Finding{Record: "SPF", Name: s.Domain, Publish: "v=spf1 include:YOUR-RELAY -all"}
	record, problem := one(ctx, r, s.Domain, "v=spf1")
	if problem != "" {
		f.Says = problem
		return f
	}
	terms := strings.Fields(strings.ToLower(record))
	switch last := terms[len(terms)-1]; {
	case terms[0] != "v=spf1":
		f.Says = "it does not begin with v=spf1"
	case len(terms) == 2 && strings.HasSuffix(last, "all"):
		f.Says = "it names no server that may send"
	case last == "-all" || last == "~all" || strings.HasPrefix(last, "redirect="):
		f.OK, f.Says, f.Publish = true, record, ""
	default:
		f.Says = "it lets everybody send: " + record
	}
	return f
}

// checkDKIM compares what is published with our own key (RFC 6376 §3.6.1).
func checkDKIM(ctx context.Context, r Resolver, s Sender) Finding {
	f := Finding{Record: "DKIM", Publish: s.Record}
	if s.Record == "" {
		f.Says, f.Publish = "mails are not signed: mail.dkim.key_file names no key", "set mail.dkim.selector and mail.dkim.key_file; this command then says what to publish"
		return f
	}
	f.Name = s.Selector + "._domainkey." + s.SigningDomain
	record, problem := one(ctx, r, f.Name, "v=dkim1")
	switch {
	case problem != "":
		f.Says = problem
	case tag(record, "p") == "":
		f.Says = "it says that the key is revoked"
	case tag(record, "p") != tag(s.Record, "p"):
		f.Says = "it is of another key than ours"
	case strings.Contains(tag(record, "t"), "y"):
		f.Says = "it says that the domain is only testing (t=y), so receivers treat mails as unsigned"
	default:
		f.OK, f.Says, f.Publish = true, "it is of our key", ""
	}
	return f
}

// checkDMARC wants a policy that does something, and a signature or sender that stands for the domain (RFC 7489 §6.3, §3.1).
func checkDMARC(ctx context.Context, r Resolver, s Sender) Finding {
	f := Finding{Record: "DMARC", Name: "_dmarc." + s.Domain, Publish: "v=DMARC1; p=reject; adkim=s; rua=mailto:postmaster@" + s.Domain}
	record, problem := one(ctx, r, f.Name, "v=dmarc1")
	policy := strings.ToLower(tag(record, "p"))
	switch {
	case problem != "":
		f.Says = problem
	case policy != "quarantine" && policy != "reject":
		f.Says = "it asks receivers to do nothing (p=" + policy + ")"
	case tag(record, "pct") != "" && tag(record, "pct") != "100":
		f.Says = "it holds for a part of the mails only (pct=" + tag(record, "pct") + ")"
	case s.SigningDomain != "" && strings.EqualFold(tag(record, "adkim"), "s") && s.SigningDomain != s.Domain:
		f.Says = "it wants signatures of exactly " + s.Domain + ", and ours are of " + s.SigningDomain
	default:
		f.OK, f.Says, f.Publish = true, record, ""
	}
	return f
}

// tag is the value of a tag in a list of them (RFC 6376 §3.2), without spaces.
func tag(record, name string) string {
	for part := range strings.SplitSeq(record, ";") {
		key, value, _ := strings.Cut(part, "=")
		if strings.TrimSpace(key) == name {
			return strings.Join(strings.Fields(value), "")
		}
	}
	return ""
}
