-- +goose Up

-- The number to which notices are texted, with its + and in digits, and since when; empty for a user without one.
ALTER TABLE contact ADD COLUMN phone TEXT NOT NULL DEFAULT '';
ALTER TABLE contact ADD COLUMN phone_since BIGINT;
