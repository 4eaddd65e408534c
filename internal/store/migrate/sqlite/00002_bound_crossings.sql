-- +goose Up

-- The hash of the cookie of the browser that asked for the way over. Codes from before match no browser.
ALTER TABLE child_code ADD COLUMN state BLOB NOT NULL DEFAULT x'';
