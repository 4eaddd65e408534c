-- +goose Up

-- Until when the keys of a member who left go on, or those of a service user that lacks a sponsor; null for all others.
ALTER TABLE member ADD COLUMN keys_until BIGINT;

-- Which owner asked a member in or gave them more than they had, and when; null for those whom the host made what they are, and who made the account.
ALTER TABLE member ADD COLUMN given_by BYTEA;
ALTER TABLE member ADD COLUMN given_at BIGINT;
CREATE INDEX member_giver ON member (given_by);

-- Since when a member looks and cancels only, until an owner has reviewed them; null for all others.
ALTER TABLE member ADD COLUMN frozen_at BIGINT;

-- When it was told that a key has nobody any more; null while it has somebody.
ALTER TABLE api_key ADD COLUMN orphaned_at BIGINT;

-- People who were asked into an account, by the address that they sign in with. An answer deletes the row.
CREATE TABLE invitation (
    id         BYTEA    PRIMARY KEY,
    account_id BYTEA    NOT NULL REFERENCES account (id),
    mail       TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    invited_by BYTEA    NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    UNIQUE (account_id, mail)
);
CREATE INDEX invitation_mail ON invitation (mail);
CREATE INDEX invitation_inviter ON invitation (invited_by);
CREATE INDEX invitation_expiry ON invitation (expires_at);

-- Members of an account that are nobody: they own keys and never sign in. Two people answer for each.
CREATE TABLE service_user (
    user_id     BYTEA    PRIMARY KEY REFERENCES users (id),
    account_id  BYTEA    NOT NULL REFERENCES account (id),
    purpose     TEXT    NOT NULL,
    sponsor_one BYTEA    NOT NULL REFERENCES users (id),
    sponsor_two BYTEA    NOT NULL REFERENCES users (id)
);
CREATE INDEX service_user_account ON service_user (account_id);
