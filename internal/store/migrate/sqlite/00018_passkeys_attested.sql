-- +goose Up

-- The model that an accepted attestation named; empty where none was given or accepted.
ALTER TABLE passkey ADD COLUMN attested TEXT NOT NULL DEFAULT '';

-- When its owner last tried it out.
ALTER TABLE passkey ADD COLUMN tested_at INTEGER;
