-- +goose Up

-- Delays on a user's money. The clock of one starts when its owner was told: begun_at and ends_at are set together, once.
CREATE TABLE hold (
    id        BLOB PRIMARY KEY,
    user_id   BLOB NOT NULL REFERENCES users (id),
    reason    TEXT NOT NULL,
    span      INTEGER NOT NULL,
    placed_at INTEGER NOT NULL,
    begun_at  INTEGER,
    ends_at   INTEGER
) STRICT;
CREATE INDEX hold_user ON hold (user_id, ends_at);
