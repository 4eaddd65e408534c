-- +goose Up

-- What a user said yes to in the check-up, and the tips that they put away: quiet until state, a digest of what was asked about, is another. item
-- names what was asked about and holds no word of theirs.
CREATE TABLE assent (
    user_id BLOB    NOT NULL REFERENCES users (id),
    item    TEXT    NOT NULL,
    state   BLOB    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (user_id, item)
) STRICT;
