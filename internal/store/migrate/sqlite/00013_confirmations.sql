-- +goose Up

-- From when on a passkey may approve money. Those from before this column count as old enough.
ALTER TABLE passkey ADD COLUMN approves_from INTEGER NOT NULL DEFAULT 0;

-- The user's own proof for one transaction. What stands above nonce is the transaction: it never changes, and tx_hash is over it.
-- request_digest is NULL where the platform's backend posted it. assertion is the authenticator's answer, whole: the evidence.
CREATE TABLE confirmation (
    id             BLOB PRIMARY KEY,
    user_id        BLOB NOT NULL REFERENCES users (id),
    account_id     BLOB NOT NULL,
    subaccount_id  BLOB NOT NULL,
    action         TEXT NOT NULL,
    environment    TEXT NOT NULL,
    upstream       TEXT NOT NULL,
    asset          TEXT NOT NULL,
    network        TEXT NOT NULL,
    address        TEXT NOT NULL,
    memo           TEXT NOT NULL,
    amount         TEXT NOT NULL,
    fee            TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    nonce          BLOB NOT NULL,
    tx_hash        BLOB NOT NULL,
    request_digest BLOB,
    back_to        TEXT NOT NULL,
    approved_at    INTEGER,
    passkey_id     BLOB,
    assertion      TEXT NOT NULL,
    executed_at    INTEGER,
    cancelled_at   INTEGER
) STRICT;
CREATE INDEX confirmation_user ON confirmation (user_id, expires_at);
CREATE INDEX confirmation_expiry ON confirmation (expires_at);
