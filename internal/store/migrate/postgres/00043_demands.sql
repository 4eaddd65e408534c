-- +goose Up

-- Where a user demands a passkey of themselves beyond what the policy asks. until_at is set once it was given up, and is when it ends.
CREATE TABLE demand (
    user_id  BYTEA   NOT NULL REFERENCES users (id),
    area     TEXT    NOT NULL,
    since_at BIGINT NOT NULL,
    until_at BIGINT,
    PRIMARY KEY (user_id, area)
);

-- What its owner keeps for when another is lost.
ALTER TABLE passkey ADD COLUMN backup BIGINT NOT NULL DEFAULT 0;
ALTER TABLE totp ADD COLUMN backup BIGINT NOT NULL DEFAULT 0;
