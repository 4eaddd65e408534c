-- +goose Up

-- When its owner last tried a passkey out and it did not work; NULL if it always did.
ALTER TABLE passkey ADD COLUMN test_failed_at BIGINT;
