package letter

import "net/url"

// Text is what a text message says of a notice of a kind: the product, one sentence, and where to read the rest. It holds nothing that a user typed and
// no address that does anything. It fails for a kind without a sentence.
func Text(kind string, f Frame) (string, error) {
	w := newWriter(f)
	said := w.say("text.notice", "product", w.product, "what", w.say("text.of."+kind), "host", w.links.host())
	return said, w.err
}

// CodeText is the text message that proves that a number is read by the one who typed it.
func CodeText(c Code, f Frame) (string, error) {
	w := newWriter(f)
	said := w.say("text.code", "product", w.product, "code", string(c))
	return said, w.err
}

// host is what people know the dashboard by.
func (l Links) host() string {
	u, err := url.Parse(l.Origin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
