package config

// Mail is the section of that name.
type Mail struct {
	SMTP     SMTP    `key:"smtp" doc:"The relay."`
	From     Mailbox `key:"from" doc:"The address mails come from."`
	DKIM     DKIM    `key:"dkim" doc:"The signature by which receivers know that a mail is ours. sallyport doctor mail says what to publish."`
	FromName string  `key:"from_name" default:"Sallyport" doc:"The name beside it."`
}

// SMTPTLS says how the connection to the relay is protected.
type SMTPTLS string

// The ways to protect it.
const (
	StartTLS    SMTPTLS = "starttls"
	ImplicitTLS SMTPTLS = "implicit"
	NoTLS       SMTPTLS = "none"
)

// SMTP is the section mail.smtp.
type SMTP struct {
	Addr         Remote   `key:"addr" doc:"Host and port of the relay; empty sends no mail."`
	TLS          SMTPTLS  `key:"tls" default:"starttls" oneof:"starttls implicit none" doc:"starttls: demanded, not only offered. none: to a relay on loopback only, or in a test installation."`
	Username     string   `key:"username" doc:"For a relay that asks who we are."`
	PasswordFile string   `key:"password_file" doc:"A file with the password for it."`
	Hello        HostName `key:"hello" derived:"the host of dashboard.origin" doc:"The name we greet the relay with."`
}

// DKIM is the section mail.dkim.
type DKIM struct {
	Domain   HostName `key:"domain" derived:"the domain of mail.from" doc:"The domain that signs: that of mail.from, or a parent of it."`
	Selector HostName `key:"selector" default:"sallyport" doc:"The name of the key below _domainkey."`
	KeyFile  string   `key:"key_file" doc:"A file with the private key, PEM (PKCS #8): Ed25519, or RSA of at least 2048 bits, which more receivers check. Empty signs nothing."`
}

// Notices is the section of that name.
type Notices struct {
	TextMessages TextMessages `key:"text_messages" doc:"Text messages that say that there is a notice. They carry no link and no code to sign in, start no clock, and prove nothing."`
}

// TextMessages is the section notices.text_messages.
type TextMessages struct {
	URL     URL    `key:"url" doc:"Your gateway to a telephone network: each message is posted to it as JSON (id, to, text), signed as backends sign their calls to us. https, or http to loopback or in a test installation. Empty sends none, and nobody can add a number. Let it send to the countries of your users alone: there are costly numbers in each."`
	KeyFile string `key:"key_file" doc:"A file with 32 bytes in base64 that the gateway holds too."`
	// CodesADay bounds what strangers make an operator pay for.
	CodesADay int `key:"codes_a_day" default:"1000" min:"10" max:"1000000" testmin:"1" doc:"How many codes are texted in a day, to all together; beyond it nobody can add a number until there is room again. Notices are bounded by number."`
}

// Leaks is the section of that name.
type Leaks struct {
	PublicKeysFile string `key:"public_keys_file" doc:"The public keys of those who report, JSON as GitHub publishes those of its secret scanning; read at the start. Empty turns POST /v1/leaks off."`
}

// Official is the section of that name.
type Official struct {
	Hosts   []HostName `key:"hosts" doc:"Names of web servers of yours, each with https and no port: the public site, the help pages."`
	Senders []Mailbox  `key:"senders" doc:"Addresses that you write from, beside mail.from."`
}
