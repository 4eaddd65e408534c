-- +goose Up

-- What a user was told, or is being told: sealed, under their own key, are the letter, its facts and the addresses that it goes to. mailed_at is when
-- the relay took it for the first of them. The link by which a reader of the mail says that it was not them is no row: it follows from the id, works
-- until link_until, and once.
CREATE TABLE message (
    id           BYTEA PRIMARY KEY,
    user_id      BYTEA NOT NULL REFERENCES users (id),
    created_at   BIGINT NOT NULL,
    sealed       BYTEA NOT NULL,
    mailed_at    BIGINT,
    read_at      BIGINT,
    link_until   BIGINT,
    contained_at BIGINT
);
CREATE INDEX message_user ON message (user_id, id);
CREATE INDEX message_age ON message (created_at);

-- How a user is reached beside users.mail. A user without a row has the address of their sign-up alone. mail_since and second_since say when an
-- address took its place; NULL is the sign-up. phrase, sealed under the user's key, is what they know our mails by.
CREATE TABLE contact (
    user_id      BYTEA PRIMARY KEY REFERENCES users (id),
    mail_since   BIGINT,
    second       TEXT NOT NULL,
    second_since BIGINT,
    phrase       BYTEA NOT NULL
);

-- Changes of an address: under way until done_at. taken marks an address that is another user's: no code ever fits. What was there before is kept, so
-- that its owner can put it back.
CREATE TABLE contact_change (
    id         BYTEA PRIMARY KEY,
    user_id    BYTEA NOT NULL REFERENCES users (id),
    session_id BYTEA NOT NULL,
    place      TEXT NOT NULL,
    old_mail   TEXT NOT NULL,
    old_since  BIGINT,
    new_mail   TEXT NOT NULL,
    taken      BIGINT NOT NULL,
    tries      BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    done_at    BIGINT,
    undone_at  BIGINT
);
CREATE INDEX contact_change_user ON contact_change (user_id, place, done_at);
CREATE INDEX contact_change_expiry ON contact_change (expires_at);
