-- +goose Up

-- Users of high value: from from_at on, which they were told ahead, sensitive changes ask them for a proof that no forged page can pass on.
CREATE TABLE high_value (
    user_id   BYTEA PRIMARY KEY REFERENCES users (id),
    raised_at BIGINT NOT NULL,
    from_at   BIGINT NOT NULL
);
