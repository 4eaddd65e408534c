-- +goose Up

-- Which owner gave a key to somebody else, or made it for a service user, and when; null where nobody did, or the host.
ALTER TABLE api_key ADD COLUMN given_by BYTEA;
ALTER TABLE api_key ADD COLUMN given_at BIGINT;
CREATE INDEX api_key_giver ON api_key (given_by);
