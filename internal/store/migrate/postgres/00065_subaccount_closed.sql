-- +goose Up

-- An owner closes a subaccount in which no key lives any more, and may open it again.
ALTER TABLE subaccount ADD COLUMN closed_at BIGINT;
