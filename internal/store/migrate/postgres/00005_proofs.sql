-- +goose Up

-- What is being confirmed is kept as facts, and each door says it in its reader's language. A step-up lives for minutes, and none from
-- before would match a digest of today: they are asked for again.
DELETE FROM step_up;
ALTER TABLE step_up RENAME COLUMN summary TO facts;

-- Wrong codes in a row from browsers that the user has not signed in with.
ALTER TABLE totp ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
