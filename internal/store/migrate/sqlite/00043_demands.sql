-- +goose Up

-- Where a user demands a passkey of themselves beyond what the policy asks. until_at is set once it was given up, and is when it ends.
CREATE TABLE demand (
    user_id  BLOB    NOT NULL REFERENCES users (id),
    area     TEXT    NOT NULL,
    since_at INTEGER NOT NULL,
    until_at INTEGER,
    PRIMARY KEY (user_id, area)
) STRICT;

-- What its owner keeps for when another is lost.
ALTER TABLE passkey ADD COLUMN backup INTEGER NOT NULL DEFAULT 0;
ALTER TABLE totp ADD COLUMN backup INTEGER NOT NULL DEFAULT 0;
