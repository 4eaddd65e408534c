-- +goose Up

-- A session that is tied to a key of its browser's device (DBSC). challenge is the one that the browser may sign next; spent and spent_before are
-- the two before it, of which a second proof gets the answer of the first for a minute. cookie_hash is the bound cookie that counts, before_hash
-- the one before it, for requests that were on their way. agent is what the browser called itself at its last proof.
CREATE TABLE binding (
    session_id      BLOB    PRIMARY KEY,
    algorithm       TEXT    NOT NULL,
    public_key      BLOB    NOT NULL,
    challenge       TEXT    NOT NULL,
    spent           TEXT    NOT NULL,
    spent_at        INTEGER NOT NULL,
    spent_before    TEXT    NOT NULL,
    spent_before_at INTEGER NOT NULL,
    cookie_hash     BLOB    NOT NULL,
    cookie_until    INTEGER NOT NULL,
    before_hash     BLOB    NOT NULL,
    before_until    INTEGER NOT NULL,
    proven_at       INTEGER NOT NULL,
    agent           TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX binding_expiry ON binding (expires_at);
