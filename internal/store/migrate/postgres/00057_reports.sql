-- +goose Up

-- What users said was not them, for operators to read: one row of one thing. about is the id of what it was, sealed the evidence under the user's key.
CREATE TABLE report (
    id         BYTEA PRIMARY KEY,
    user_id    BYTEA NOT NULL REFERENCES users (id),
    kind       TEXT NOT NULL,
    about      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    sealed     BYTEA NOT NULL
);
CREATE UNIQUE INDEX report_about ON report (user_id, about);
CREATE INDEX report_expiry ON report (expires_at);
