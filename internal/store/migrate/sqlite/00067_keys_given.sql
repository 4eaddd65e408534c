-- +goose Up

-- Which owner gave a key to somebody else, or made it for a service user, and when; null where nobody did, or the host.
ALTER TABLE api_key ADD COLUMN given_by BLOB;
ALTER TABLE api_key ADD COLUMN given_at INTEGER;
CREATE INDEX api_key_giver ON api_key (given_by);
