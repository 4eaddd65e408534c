-- +goose Up

-- Data keys, wrapped by the key provider's key-encryption key. Rotation adds a row; nothing is ever sealed under an older one again.
CREATE TABLE data_key (
    version    INTEGER PRIMARY KEY,
    kek        TEXT    NOT NULL,
    wrapped    BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Keys of the server itself (form tokens, ceremonies, assertions), sealed under a data key.
CREATE TABLE server_secret (
    name       TEXT    PRIMARY KEY,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- The head of the audit log and of the feed. Whoever writes either updates this row last, so its lock orders both. mac is made of seq, chain and
-- at under the log's key, which no row holds in clear; it is empty until that key is made.
CREATE TABLE audit_head (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    seq      INTEGER NOT NULL,
    feed_seq INTEGER NOT NULL,
    chain    BLOB    NOT NULL,
    at       INTEGER NOT NULL,
    mac      BLOB    NOT NULL
) STRICT;
INSERT INTO audit_head (id, seq, feed_seq, chain, at, mac) VALUES (1, 0, 0, zeroblob(32), 0, x'');

-- One key per person, sealed under a data key. Destroying it makes the readable half of that person's events unreadable.
CREATE TABLE person_key (
    user_id      BLOB    PRIMARY KEY,
    sealed       BLOB,
    created_at   INTEGER NOT NULL,
    destroyed_at INTEGER
) STRICT;

-- The audit log. at, id, action, whose and commitment are the leaf; whose commits to person_id and account_id, commitment to the readable half in
-- sealed.
CREATE TABLE audit_event (
    seq        INTEGER PRIMARY KEY,
    id         BLOB    NOT NULL UNIQUE,
    at         INTEGER NOT NULL,
    action     TEXT    NOT NULL,
    whose      BLOB    NOT NULL,
    commitment BLOB    NOT NULL,
    chain      BLOB    NOT NULL,
    person_id  BLOB,
    account_id BLOB,
    sealed     BLOB    NOT NULL
) STRICT;
CREATE INDEX audit_event_person ON audit_event (person_id, seq);
CREATE INDEX audit_event_account ON audit_event (account_id, seq);

-- What snapshots must hear of, in commit order.
CREATE TABLE feed (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    subject BLOB    NOT NULL
) STRICT;
CREATE INDEX feed_at ON feed (at);

-- Marks of things that may be used once and are kept nowhere else (ceremonies, codes in sealed form).
CREATE TABLE spent (
    mark       BLOB    PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX spent_expiry ON spent (expires_at);

-- Counters of failed proofs, one row a bucket (a hash of what is counted).
CREATE TABLE throttle (
    bucket     BLOB    PRIMARY KEY,
    failures   INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX throttle_age ON throttle (updated_at);

CREATE TABLE users (
    id          BLOB    PRIMARY KEY,
    mail        TEXT    NOT NULL UNIQUE,
    name        TEXT    NOT NULL,
    lang        TEXT    NOT NULL,
    handle      BLOB    NOT NULL UNIQUE,
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;

-- Sign-ups under way: an address that a code was sent to. existing marks those whose address already has a user.
CREATE TABLE sign_up (
    id          BLOB    PRIMARY KEY,
    mail        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    lang        TEXT    NOT NULL,
    browser     BLOB    NOT NULL,
    tries       INTEGER NOT NULL,
    existing    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    verified_at INTEGER,
    spent_at    INTEGER
) STRICT;
CREATE INDEX sign_up_expiry ON sign_up (expires_at);

CREATE TABLE account (
    id         BLOB    PRIMARY KEY,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE subaccount (
    id         BLOB    PRIMARY KEY,
    account_id BLOB    NOT NULL REFERENCES account (id),
    name       TEXT    NOT NULL,
    main       INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX subaccount_account ON subaccount (account_id);

CREATE TABLE member (
    account_id BLOB    NOT NULL REFERENCES account (id),
    user_id    BLOB    NOT NULL REFERENCES users (id),
    role       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    removed_at INTEGER,
    PRIMARY KEY (account_id, user_id)
) STRICT;
CREATE INDEX member_user ON member (user_id);

CREATE TABLE password (
    user_id    BLOB    PRIMARY KEY REFERENCES users (id),
    phc        TEXT    NOT NULL,
    alone      INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE totp (
    user_id      BLOB    PRIMARY KEY REFERENCES users (id),
    sealed       BLOB    NOT NULL,
    last_step    INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    confirmed_at INTEGER
) STRICT;

CREATE TABLE passkey (
    id            BLOB    PRIMARY KEY,
    user_id       BLOB    NOT NULL REFERENCES users (id),
    credential_id BLOB    NOT NULL UNIQUE,
    credential    TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    last_used_at  INTEGER,
    removed_at    INTEGER
) STRICT;
CREATE INDEX passkey_user ON passkey (user_id);

CREATE TABLE device (
    id           BLOB    PRIMARY KEY,
    token_hash   BLOB    NOT NULL UNIQUE,
    agent        TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL
) STRICT;
CREATE INDEX device_seen ON device (last_seen_at);

CREATE TABLE device_user (
    device_id     BLOB    NOT NULL REFERENCES device (id),
    user_id       BLOB    NOT NULL REFERENCES users (id),
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    forgotten_at  INTEGER,
    PRIMARY KEY (device_id, user_id)
) STRICT;
CREATE INDEX device_user_user ON device_user (user_id);

-- A session, or with parent_id the child of one on a gateway host.
CREATE TABLE session (
    id            BLOB    PRIMARY KEY,
    token_hash    BLOB    NOT NULL UNIQUE,
    user_id       BLOB    NOT NULL REFERENCES users (id),
    account_id    BLOB    NOT NULL REFERENCES account (id),
    subaccount_id BLOB    NOT NULL REFERENCES subaccount (id),
    device_id     BLOB    NOT NULL,
    parent_id     BLOB,
    host          TEXT    NOT NULL,
    factors       INTEGER NOT NULL,
    properties    INTEGER NOT NULL,
    proven_at     INTEGER NOT NULL,
    address       TEXT    NOT NULL,
    agent         TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    acted_at      INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    revoked_at    INTEGER,
    revoked_why   TEXT    NOT NULL
) STRICT;
CREATE INDEX session_user_live ON session (user_id, expires_at);
CREATE INDEX session_parent ON session (parent_id);
CREATE INDEX session_expiry ON session (expires_at);

-- Codes that carry a user to a gateway host.
CREATE TABLE child_code (
    code_hash  BLOB    PRIMARY KEY,
    parent_id  BLOB    NOT NULL REFERENCES session (id),
    host       TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    spent_at   INTEGER
) STRICT;
CREATE INDEX child_code_expiry ON child_code (expires_at);

-- A proof asked for one action with one content.
CREATE TABLE step_up (
    id           BLOB    PRIMARY KEY,
    user_id      BLOB    NOT NULL REFERENCES users (id),
    session_id   BLOB    NOT NULL,
    action       TEXT    NOT NULL,
    digest       BLOB    NOT NULL,
    summary      TEXT    NOT NULL,
    needs        TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    satisfied_at INTEGER,
    factors      INTEGER NOT NULL,
    spent_at     INTEGER
) STRICT;
CREATE INDEX step_up_session ON step_up (session_id, action);
CREATE INDEX step_up_expiry ON step_up (expires_at);

CREATE TABLE api_key (
    id             BLOB    PRIMARY KEY,
    account_id     BLOB    NOT NULL REFERENCES account (id),
    subaccount_id  BLOB    NOT NULL REFERENCES subaccount (id),
    owner_id       BLOB    NOT NULL REFERENCES users (id),
    name           TEXT    NOT NULL,
    purpose        TEXT    NOT NULL,
    environment    TEXT    NOT NULL,
    dialect        TEXT    NOT NULL,
    algorithm      TEXT    NOT NULL,
    scopes         TEXT    NOT NULL,
    allowlist      TEXT    NOT NULL,
    window_past    INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    created_device BLOB    NOT NULL,
    expires_at     INTEGER NOT NULL,
    revoked_at     INTEGER,
    revoked_why    TEXT    NOT NULL,
    last_used_at   INTEGER,
    last_used_from TEXT    NOT NULL
) STRICT;
CREATE INDEX api_key_account ON api_key (account_id, created_at);
CREATE INDEX api_key_owner ON api_key (owner_id);

-- The secrets of a key: sealed for HMAC, the public half for Ed25519.
CREATE TABLE api_key_secret (
    key_id     BLOB    NOT NULL REFERENCES api_key (id),
    version    INTEGER NOT NULL,
    material   BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (key_id, version)
) STRICT;

-- Nonces of dialects that carry no time: kept as long as their key.
CREATE TABLE key_nonce (
    key_id BLOB    NOT NULL REFERENCES api_key (id),
    nonce  BLOB    NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (key_id, nonce)
) STRICT;

-- Certificates and ACME state (certmagic storage).
CREATE TABLE acme_item (
    name        TEXT    PRIMARY KEY,
    sealed      BLOB    NOT NULL,
    size        INTEGER NOT NULL,
    modified_at INTEGER NOT NULL
) STRICT;
CREATE TABLE acme_lock (
    name       TEXT    PRIMARY KEY,
    holder     BLOB    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
