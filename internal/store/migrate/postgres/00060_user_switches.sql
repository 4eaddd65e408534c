-- +goose Up

-- Whether no browser may show the account where people sign in, and since when the user is an operator.
ALTER TABLE users ADD COLUMN never_remembered BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN staff_at BIGINT;
