-- +goose Up

-- What a user said yes to in the check-up, and the tips that they put away: quiet until state, a digest of what was asked about, is another. item
-- names what was asked about and holds no word of theirs.
CREATE TABLE assent (
    user_id BYTEA  NOT NULL REFERENCES users (id),
    item    TEXT   NOT NULL,
    state   BYTEA  NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (user_id, item)
);
