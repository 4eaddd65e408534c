-- +goose Up

-- Users who asked to leave, and when they are erased.
CREATE TABLE departure (
    user_id    BYTEA PRIMARY KEY REFERENCES users (id),
    asked_at   BIGINT NOT NULL,
    due_at     BIGINT NOT NULL
);
