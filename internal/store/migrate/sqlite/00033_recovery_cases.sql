-- +goose Up

-- Claims to one user's account that met, which people decide. due_at is when the claimants were promised an answer, expires_at when nobody
-- answered. outcome is empty until ended_at.
CREATE TABLE recovery_case (
    id         BLOB PRIMARY KEY,
    user_id    BLOB NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at   INTEGER,
    outcome    TEXT NOT NULL
) STRICT;
CREATE INDEX recovery_case_user ON recovery_case (user_id);
CREATE INDEX recovery_case_expiry ON recovery_case (expires_at);

-- An operator's yes to one claim of a case. Each has one vote in a case.
CREATE TABLE recovery_approval (
    case_id     BLOB NOT NULL REFERENCES recovery_case (id),
    operator    TEXT NOT NULL,
    recovery_id BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (case_id, operator)
) STRICT;

-- The case that a claim waits in, and what it came to; NULL for one that is in none.
ALTER TABLE recovery ADD COLUMN case_id BLOB REFERENCES recovery_case (id);
CREATE INDEX recovery_in_case ON recovery (case_id);

-- What a piece of evidence is, how long it is, and how many times its slot was filled.
ALTER TABLE evidence ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE evidence ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
ALTER TABLE evidence ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
