-- +goose Up

-- Which of its addresses a message has reached, a bit for each: what waits until every channel was told asks for it.
ALTER TABLE message ADD COLUMN reached INTEGER NOT NULL DEFAULT 0;
