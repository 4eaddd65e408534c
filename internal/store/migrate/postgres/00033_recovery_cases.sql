-- +goose Up

-- Claims to one user's account that met, which people decide. due_at is when the claimants were promised an answer, expires_at when nobody
-- answered. outcome is empty until ended_at.
CREATE TABLE recovery_case (
    id         BYTEA PRIMARY KEY,
    user_id    BYTEA NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at   BIGINT,
    outcome    TEXT NOT NULL
);
CREATE INDEX recovery_case_user ON recovery_case (user_id);
CREATE INDEX recovery_case_expiry ON recovery_case (expires_at);

-- An operator's yes to one claim of a case. Each has one vote in a case.
CREATE TABLE recovery_approval (
    case_id     BYTEA NOT NULL REFERENCES recovery_case (id),
    operator    TEXT NOT NULL,
    recovery_id BYTEA NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (case_id, operator)
);

-- The case that a claim waits in, and what it came to; NULL for one that is in none.
ALTER TABLE recovery ADD COLUMN case_id BYTEA REFERENCES recovery_case (id);
CREATE INDEX recovery_in_case ON recovery (case_id);

-- What a piece of evidence is, how long it is, and how many times its slot was filled.
ALTER TABLE evidence ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE evidence ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
ALTER TABLE evidence ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
