-- +goose Up

-- Data keys, wrapped by the key provider's key-encryption key. Rotation adds a row; nothing is ever sealed under an older one again.
CREATE TABLE data_key (
    version    BIGINT PRIMARY KEY,
    kek        TEXT    NOT NULL,
    wrapped    BYTEA    NOT NULL,
    created_at BIGINT NOT NULL
);

-- Keys of the server itself (form tokens, ceremonies, assertions), sealed under a data key.
CREATE TABLE server_secret (
    name       TEXT    PRIMARY KEY,
    sealed     BYTEA    NOT NULL,
    created_at BIGINT NOT NULL
);

-- The head of the audit log and of the feed. Whoever writes either updates this row last, so its lock orders both. mac is made of seq, chain and
-- at under the log's key, which no row holds in clear; it is empty until that key is made.
CREATE TABLE audit_head (
    id       BIGINT PRIMARY KEY CHECK (id = 1),
    seq      BIGINT NOT NULL,
    feed_seq BIGINT NOT NULL,
    chain    BYTEA    NOT NULL,
    at       BIGINT NOT NULL,
    mac      BYTEA    NOT NULL
);
INSERT INTO audit_head (id, seq, feed_seq, chain, at, mac) VALUES (1, 0, 0, decode(repeat('00', 32), 'hex'), 0, '');

-- One key per person, sealed under a data key. Destroying it makes the readable half of that person's events unreadable.
CREATE TABLE person_key (
    user_id      BYTEA    PRIMARY KEY,
    sealed       BYTEA,
    created_at   BIGINT NOT NULL,
    destroyed_at BIGINT
);

-- The audit log. at, id, action, whose and commitment are the leaf; whose commits to person_id and account_id, commitment to the readable half in
-- sealed.
CREATE TABLE audit_event (
    seq        BIGINT PRIMARY KEY,
    id         BYTEA    NOT NULL UNIQUE,
    at         BIGINT NOT NULL,
    action     TEXT    NOT NULL,
    whose      BYTEA    NOT NULL,
    commitment BYTEA    NOT NULL,
    chain      BYTEA    NOT NULL,
    person_id  BYTEA,
    account_id BYTEA,
    sealed     BYTEA    NOT NULL
);
CREATE INDEX audit_event_person ON audit_event (person_id, seq);
CREATE INDEX audit_event_account ON audit_event (account_id, seq);

-- What snapshots must hear of, in commit order.
CREATE TABLE feed (
    seq     BIGINT PRIMARY KEY,
    at      BIGINT NOT NULL,
    kind    TEXT    NOT NULL,
    subject BYTEA    NOT NULL
);
CREATE INDEX feed_at ON feed (at);

-- Marks of things that may be used once and are kept nowhere else (ceremonies, codes in sealed form).
CREATE TABLE spent (
    mark       BYTEA    PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX spent_expiry ON spent (expires_at);

-- Counters of failed proofs, one row a bucket (a hash of what is counted).
CREATE TABLE throttle (
    bucket     BYTEA    PRIMARY KEY,
    failures   BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX throttle_age ON throttle (updated_at);

CREATE TABLE users (
    id          BYTEA    PRIMARY KEY,
    mail        TEXT    NOT NULL UNIQUE,
    name        TEXT    NOT NULL,
    lang        TEXT    NOT NULL,
    handle      BYTEA    NOT NULL UNIQUE,
    created_at  BIGINT NOT NULL,
    disabled_at BIGINT
);

-- Sign-ups under way: an address that a code was sent to. existing marks those whose address already has a user.
CREATE TABLE sign_up (
    id          BYTEA    PRIMARY KEY,
    mail        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    lang        TEXT    NOT NULL,
    browser     BYTEA    NOT NULL,
    tries       BIGINT NOT NULL,
    existing    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    verified_at BIGINT,
    spent_at    BIGINT
);
CREATE INDEX sign_up_expiry ON sign_up (expires_at);

CREATE TABLE account (
    id         BYTEA    PRIMARY KEY,
    name       TEXT    NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE subaccount (
    id         BYTEA    PRIMARY KEY,
    account_id BYTEA    NOT NULL REFERENCES account (id),
    name       TEXT    NOT NULL,
    main       BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX subaccount_account ON subaccount (account_id);

CREATE TABLE member (
    account_id BYTEA    NOT NULL REFERENCES account (id),
    user_id    BYTEA    NOT NULL REFERENCES users (id),
    role       TEXT    NOT NULL,
    created_at BIGINT NOT NULL,
    removed_at BIGINT,
    PRIMARY KEY (account_id, user_id)
);
CREATE INDEX member_user ON member (user_id);

CREATE TABLE password (
    user_id    BYTEA    PRIMARY KEY REFERENCES users (id),
    phc        TEXT    NOT NULL,
    alone      BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE totp (
    user_id      BYTEA    PRIMARY KEY REFERENCES users (id),
    sealed       BYTEA    NOT NULL,
    last_step    BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    confirmed_at BIGINT
);

CREATE TABLE passkey (
    id            BYTEA    PRIMARY KEY,
    user_id       BYTEA    NOT NULL REFERENCES users (id),
    credential_id BYTEA    NOT NULL UNIQUE,
    credential    TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    created_at    BIGINT NOT NULL,
    last_used_at  BIGINT,
    removed_at    BIGINT
);
CREATE INDEX passkey_user ON passkey (user_id);

CREATE TABLE device (
    id           BYTEA    PRIMARY KEY,
    token_hash   BYTEA    NOT NULL UNIQUE,
    agent        TEXT    NOT NULL,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL
);
CREATE INDEX device_seen ON device (last_seen_at);

CREATE TABLE device_user (
    device_id     BYTEA    NOT NULL REFERENCES device (id),
    user_id       BYTEA    NOT NULL REFERENCES users (id),
    first_seen_at BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    forgotten_at  BIGINT,
    PRIMARY KEY (device_id, user_id)
);
CREATE INDEX device_user_user ON device_user (user_id);

-- A session, or with parent_id the child of one on a gateway host.
CREATE TABLE session (
    id            BYTEA    PRIMARY KEY,
    token_hash    BYTEA    NOT NULL UNIQUE,
    user_id       BYTEA    NOT NULL REFERENCES users (id),
    account_id    BYTEA    NOT NULL REFERENCES account (id),
    subaccount_id BYTEA    NOT NULL REFERENCES subaccount (id),
    device_id     BYTEA    NOT NULL,
    parent_id     BYTEA,
    host          TEXT    NOT NULL,
    factors       BIGINT NOT NULL,
    properties    BIGINT NOT NULL,
    proven_at     BIGINT NOT NULL,
    address       TEXT    NOT NULL,
    agent         TEXT    NOT NULL,
    created_at    BIGINT NOT NULL,
    acted_at      BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    revoked_at    BIGINT,
    revoked_why   TEXT    NOT NULL
);
CREATE INDEX session_user_live ON session (user_id, expires_at);
CREATE INDEX session_parent ON session (parent_id);
CREATE INDEX session_expiry ON session (expires_at);

-- Codes that carry a user to a gateway host.
CREATE TABLE child_code (
    code_hash  BYTEA    PRIMARY KEY,
    parent_id  BYTEA    NOT NULL REFERENCES session (id),
    host       TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    spent_at   BIGINT
);
CREATE INDEX child_code_expiry ON child_code (expires_at);

-- A proof asked for one action with one content.
CREATE TABLE step_up (
    id           BYTEA    PRIMARY KEY,
    user_id      BYTEA    NOT NULL REFERENCES users (id),
    session_id   BYTEA    NOT NULL,
    action       TEXT    NOT NULL,
    digest       BYTEA    NOT NULL,
    summary      TEXT    NOT NULL,
    needs        TEXT    NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    satisfied_at BIGINT,
    factors      BIGINT NOT NULL,
    spent_at     BIGINT
);
CREATE INDEX step_up_session ON step_up (session_id, action);
CREATE INDEX step_up_expiry ON step_up (expires_at);

CREATE TABLE api_key (
    id             BYTEA    PRIMARY KEY,
    account_id     BYTEA    NOT NULL REFERENCES account (id),
    subaccount_id  BYTEA    NOT NULL REFERENCES subaccount (id),
    owner_id       BYTEA    NOT NULL REFERENCES users (id),
    name           TEXT    NOT NULL,
    purpose        TEXT    NOT NULL,
    environment    TEXT    NOT NULL,
    dialect        TEXT    NOT NULL,
    algorithm      TEXT    NOT NULL,
    scopes         TEXT    NOT NULL,
    allowlist      TEXT    NOT NULL,
    window_past    BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    created_device BYTEA    NOT NULL,
    expires_at     BIGINT NOT NULL,
    revoked_at     BIGINT,
    revoked_why    TEXT    NOT NULL,
    last_used_at   BIGINT,
    last_used_from TEXT    NOT NULL
);
CREATE INDEX api_key_account ON api_key (account_id, created_at);
CREATE INDEX api_key_owner ON api_key (owner_id);

-- The secrets of a key: sealed for HMAC, the public half for Ed25519.
CREATE TABLE api_key_secret (
    key_id     BYTEA    NOT NULL REFERENCES api_key (id),
    version    BIGINT NOT NULL,
    material   BYTEA    NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (key_id, version)
);

-- Nonces of dialects that carry no time: kept as long as their key.
CREATE TABLE key_nonce (
    key_id BYTEA    NOT NULL REFERENCES api_key (id),
    nonce  BYTEA    NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (key_id, nonce)
);

-- Certificates and ACME state (certmagic storage).
-- Names are listed as ranges of bytes, whatever the database's own order is.
CREATE TABLE acme_item (
    name        TEXT COLLATE "C" PRIMARY KEY,
    sealed      BYTEA    NOT NULL,
    size        BIGINT NOT NULL,
    modified_at BIGINT NOT NULL
);
CREATE TABLE acme_lock (
    name       TEXT    PRIMARY KEY,
    holder     BYTEA    NOT NULL,
    expires_at BIGINT NOT NULL
);
