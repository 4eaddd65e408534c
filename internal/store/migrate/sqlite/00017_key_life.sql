-- +goose Up

-- The life of a key after its issue. A frozen key reads and cancels, a blocked one does nothing. pin is the network of a key that is held to
-- one: empty for none, 'first' until it was used. noticed is the smallest number of days at which its end was told; dormancy the step that
-- a key which nobody uses has come to, counted from woken_at if its owner brought it back.
ALTER TABLE api_key ADD COLUMN frozen_at INTEGER;
ALTER TABLE api_key ADD COLUMN blocked_at INTEGER;
ALTER TABLE api_key ADD COLUMN stopped_why TEXT NOT NULL DEFAULT '';
ALTER TABLE api_key ADD COLUMN on_end TEXT NOT NULL DEFAULT 'leave';
ALTER TABLE api_key ADD COLUMN template TEXT NOT NULL DEFAULT '';
ALTER TABLE api_key ADD COLUMN standby INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_key ADD COLUMN pin TEXT NOT NULL DEFAULT '';
ALTER TABLE api_key ADD COLUMN noticed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_key ADD COLUMN dormancy INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_key ADD COLUMN woken_at INTEGER;
ALTER TABLE api_key ADD COLUMN imported_at INTEGER;

-- A secret that was replaced is good until retires_at. minted_by says who asked for it: a key that rotates itself may ask again.
ALTER TABLE api_key_secret ADD COLUMN retires_at INTEGER;
ALTER TABLE api_key_secret ADD COLUMN minted_by TEXT NOT NULL DEFAULT '';
ALTER TABLE api_key_secret ADD COLUMN last_used_at INTEGER;
ALTER TABLE api_key_secret ADD COLUMN last_used_from TEXT NOT NULL DEFAULT '';
CREATE INDEX api_key_secret_retires ON api_key_secret (retires_at);

-- Users who locked their account: keys look and cancel only, money waits.
CREATE TABLE user_lock (
    user_id   BLOB PRIMARY KEY REFERENCES users (id),
    locked_at INTEGER NOT NULL
) STRICT;

-- What keys were used for, by the hour. code is the refusal; empty for what was let through.
CREATE TABLE key_use (
    key_id  BLOB NOT NULL REFERENCES api_key (id),
    hour    INTEGER NOT NULL,
    addr    TEXT NOT NULL,
    route   TEXT NOT NULL,
    code    TEXT NOT NULL,
    calls   INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (key_id, hour, addr, route, code)
) STRICT;
CREATE INDEX key_use_hour ON key_use (hour);
