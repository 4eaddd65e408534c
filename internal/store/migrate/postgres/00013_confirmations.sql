-- +goose Up

-- From when on a passkey may approve money. Those from before this column count as old enough.
ALTER TABLE passkey ADD COLUMN approves_from BIGINT NOT NULL DEFAULT 0;

-- The user's own proof for one transaction. What stands above nonce is the transaction: it never changes, and tx_hash is over it.
-- request_digest is NULL where the platform's backend posted it. assertion is the authenticator's answer, whole: the evidence.
CREATE TABLE confirmation (
    id             BYTEA PRIMARY KEY,
    user_id        BYTEA NOT NULL REFERENCES users (id),
    account_id     BYTEA NOT NULL,
    subaccount_id  BYTEA NOT NULL,
    action         TEXT NOT NULL,
    environment    TEXT NOT NULL,
    upstream       TEXT NOT NULL,
    asset          TEXT NOT NULL,
    network        TEXT NOT NULL,
    address        TEXT NOT NULL,
    memo           TEXT NOT NULL,
    amount         TEXT NOT NULL,
    fee            TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    nonce          BYTEA NOT NULL,
    tx_hash        BYTEA NOT NULL,
    request_digest BYTEA,
    back_to        TEXT NOT NULL,
    approved_at    BIGINT,
    passkey_id     BYTEA,
    assertion      TEXT NOT NULL,
    executed_at    BIGINT,
    cancelled_at   BIGINT
);
CREATE INDEX confirmation_user ON confirmation (user_id, expires_at);
CREATE INDEX confirmation_expiry ON confirmation (expires_at);
