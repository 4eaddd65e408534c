-- +goose Up

-- The account in which alone the user's money waits; null where all of it does.
ALTER TABLE hold ADD COLUMN account_id BYTEA REFERENCES account (id);
