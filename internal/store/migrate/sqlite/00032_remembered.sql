-- +goose Up

-- When the user asked this browser to show their account where people sign in; null if it does not.
ALTER TABLE device_user ADD COLUMN remembered_at INTEGER;
