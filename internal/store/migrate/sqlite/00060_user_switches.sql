-- +goose Up

-- Whether no browser may show the account where people sign in, and since when the user is an operator.
ALTER TABLE users ADD COLUMN never_remembered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN staff_at INTEGER;
