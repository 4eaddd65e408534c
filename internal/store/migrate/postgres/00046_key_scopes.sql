-- +goose Up

-- What is remembered of the scopes of a key: when it was last given more of them; when it was last asked which of them it does not need; and
-- when its owner was told of such, since it was given them.
CREATE TABLE key_scopes (
    key_id     BYTEA PRIMARY KEY REFERENCES api_key (id),
    widened_at BIGINT,
    asked_at   BIGINT,
    told_at    BIGINT
);
