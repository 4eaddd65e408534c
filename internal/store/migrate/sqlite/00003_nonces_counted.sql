-- +goose Up

-- How many nonces without a time a key has spent: its rows of key_nonce, which live as long as the key and are bounded.
ALTER TABLE api_key ADD COLUMN nonces INTEGER NOT NULL DEFAULT 0;
UPDATE api_key SET nonces = (SELECT COUNT(*) FROM key_nonce n WHERE n.key_id = api_key.id);
