-- +goose Up

-- Users who asked to leave, and when they are erased.
CREATE TABLE departure (
    user_id    BLOB PRIMARY KEY REFERENCES users (id),
    asked_at   INTEGER NOT NULL,
    due_at     INTEGER NOT NULL
) STRICT;
