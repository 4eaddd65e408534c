-- +goose Up

-- How the clients of a key write what they sign: words of its dialect, apart by spaces; empty is what they usually do.
ALTER TABLE api_key ADD COLUMN settings TEXT NOT NULL DEFAULT '';

-- The highest nonce of keys whose nonces must rise, as eight bytes, the highest first. Those used below it lie in key_nonce.
CREATE TABLE key_mark (
    key_id BYTEA PRIMARY KEY REFERENCES api_key (id),
    mark   BYTEA NOT NULL
);
