-- +goose Up

-- Who says that a user is of high value: '' is the operator at the host, else the upstream whose backend told us. A user is so while somebody says it.
CREATE TABLE high_value_word (
    user_id BYTEA NOT NULL REFERENCES users (id),
    source  TEXT NOT NULL,
    told_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, source)
);

INSERT INTO high_value_word (user_id, source, told_at) SELECT user_id, '', raised_at FROM high_value;
