-- +goose Up

-- lapse_noticed is to the end of trading without an allowlist what noticed is to the end of the key. A key that may withdraw does so from
-- released_at on; its owner releases it in another session than the one that it was made in.
ALTER TABLE api_key ADD COLUMN lapse_noticed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_key ADD COLUMN released_at INTEGER;
ALTER TABLE api_key ADD COLUMN created_session BLOB NOT NULL DEFAULT x'';

-- The scope that a route asks for, so that those which nobody uses can be suggested for removal.
ALTER TABLE key_use ADD COLUMN scope TEXT NOT NULL DEFAULT '';
