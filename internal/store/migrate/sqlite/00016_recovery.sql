-- +goose Up

-- A user's set of recovery codes: when it was made, under which pepper, and when its owner showed that they kept it.
CREATE TABLE recovery_set (
    user_id      BLOB PRIMARY KEY REFERENCES users (id),
    pepper       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    confirmed_at INTEGER
) STRICT;

-- mac is HMAC-SHA-256 of a code under the set's pepper.
CREATE TABLE recovery_code (
    user_id  BLOB NOT NULL REFERENCES users (id),
    mac      BLOB NOT NULL,
    spent_at INTEGER,
    PRIMARY KEY (user_id, mac)
) STRICT;

-- A way back into an account. user_id is NULL where the address has no user who may sign in: the row is there all the same, and nothing ever
-- fits. proven_at is when the mailbox was shown in this browser. From claimed_at on it counts: span runs from begun_at, when the owner was told,
-- and ends_at is set with it, once.
CREATE TABLE recovery (
    id              BLOB PRIMARY KEY,
    code_hash       BLOB NOT NULL UNIQUE,
    mail            TEXT NOT NULL,
    user_id         BLOB REFERENCES users (id),
    lang            TEXT NOT NULL,
    browser         BLOB NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    mail_code       BLOB NOT NULL,
    mail_code_until INTEGER NOT NULL,
    mail_tries      INTEGER NOT NULL,
    proven_at       INTEGER,
    proof           TEXT NOT NULL,
    claimed_at      INTEGER,
    span            INTEGER NOT NULL,
    begun_at        INTEGER,
    ends_at         INTEGER,
    ended_at        INTEGER,
    outcome         TEXT NOT NULL
) STRICT;
CREATE INDEX recovery_user ON recovery (user_id, ended_at);
CREATE INDEX recovery_expiry ON recovery (expires_at);

-- What somebody brought to a case that people have to decide. sealed is under the data keys.
CREATE TABLE evidence (
    recovery_id BLOB NOT NULL REFERENCES recovery (id),
    slot        TEXT NOT NULL,
    sealed      BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    delete_at   INTEGER NOT NULL,
    PRIMARY KEY (recovery_id, slot)
) STRICT;
CREATE INDEX evidence_end ON evidence (delete_at);

-- How long a recovery by the mailbox alone takes, where its owner wants more than the installation asks, and the latest rehearsal.
CREATE TABLE recovery_plan (
    user_id      BLOB PRIMARY KEY REFERENCES users (id),
    mail_alone   INTEGER NOT NULL,
    rehearsed_at INTEGER,
    rehearsed    TEXT NOT NULL
) STRICT;

-- The browser in which a passkey was made, for when that is lost; NULL for those from before.
ALTER TABLE passkey ADD COLUMN device_id BLOB;
