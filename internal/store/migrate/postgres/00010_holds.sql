-- +goose Up

-- Delays on a user's money. The clock of one starts when its owner was told: begun_at and ends_at are set together, once.
CREATE TABLE hold (
    id        BYTEA PRIMARY KEY,
    user_id   BYTEA NOT NULL REFERENCES users (id),
    reason    TEXT NOT NULL,
    span      BIGINT NOT NULL,
    placed_at BIGINT NOT NULL,
    begun_at  BIGINT,
    ends_at   BIGINT
);
CREATE INDEX hold_user ON hold (user_id, ends_at);
