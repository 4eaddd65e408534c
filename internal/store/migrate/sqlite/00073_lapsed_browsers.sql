-- +goose Up

-- When a browser stopped showing the account where people sign in because somebody ended that elsewhere; null once its user signs in there again.
ALTER TABLE device_user ADD COLUMN unremembered_at INTEGER;

-- Browsers that showed accounts and went because nobody signed in with them: the cookie's hash, and how many they were, so that the browser can be
-- told. Nothing says whose.
CREATE TABLE lapsed_browser (
    token_hash BLOB PRIMARY KEY,
    accounts   INTEGER NOT NULL,
    lapsed_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX lapsed_browser_age ON lapsed_browser (lapsed_at);
