-- +goose Up

-- A user's set of recovery codes: when it was made, under which pepper, and when its owner showed that they kept it.
CREATE TABLE recovery_set (
    user_id      BYTEA PRIMARY KEY REFERENCES users (id),
    pepper       TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    confirmed_at BIGINT
);

-- mac is HMAC-SHA-256 of a code under the set's pepper.
CREATE TABLE recovery_code (
    user_id  BYTEA NOT NULL REFERENCES users (id),
    mac      BYTEA NOT NULL,
    spent_at BIGINT,
    PRIMARY KEY (user_id, mac)
);

-- A way back into an account. user_id is NULL where the address has no user who may sign in: the row is there all the same, and nothing ever
-- fits. proven_at is when the mailbox was shown in this browser. From claimed_at on it counts: span runs from begun_at, when the owner was told,
-- and ends_at is set with it, once.
CREATE TABLE recovery (
    id              BYTEA PRIMARY KEY,
    code_hash       BYTEA NOT NULL UNIQUE,
    mail            TEXT NOT NULL,
    user_id         BYTEA REFERENCES users (id),
    lang            TEXT NOT NULL,
    browser         BYTEA NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    mail_code       BYTEA NOT NULL,
    mail_code_until BIGINT NOT NULL,
    mail_tries      BIGINT NOT NULL,
    proven_at       BIGINT,
    proof           TEXT NOT NULL,
    claimed_at      BIGINT,
    span            BIGINT NOT NULL,
    begun_at        BIGINT,
    ends_at         BIGINT,
    ended_at        BIGINT,
    outcome         TEXT NOT NULL
);
CREATE INDEX recovery_user ON recovery (user_id, ended_at);
CREATE INDEX recovery_expiry ON recovery (expires_at);

-- What somebody brought to a case that people have to decide. sealed is under the data keys.
CREATE TABLE evidence (
    recovery_id BYTEA NOT NULL REFERENCES recovery (id),
    slot        TEXT NOT NULL,
    sealed      BYTEA NOT NULL,
    created_at  BIGINT NOT NULL,
    delete_at   BIGINT NOT NULL,
    PRIMARY KEY (recovery_id, slot)
);
CREATE INDEX evidence_end ON evidence (delete_at);

-- How long a recovery by the mailbox alone takes, where its owner wants more than the installation asks, and the latest rehearsal.
CREATE TABLE recovery_plan (
    user_id      BYTEA PRIMARY KEY REFERENCES users (id),
    mail_alone   BIGINT NOT NULL,
    rehearsed_at BIGINT,
    rehearsed    TEXT NOT NULL
);

-- The browser in which a passkey was made, for when that is lost; NULL for those from before.
ALTER TABLE passkey ADD COLUMN device_id BYTEA;
