-- +goose Up

-- When the user last signed in from a place where they were not known; null if never.
ALTER TABLE users ADD COLUMN strange_at BIGINT;
