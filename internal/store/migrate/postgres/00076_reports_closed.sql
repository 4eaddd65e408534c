-- +goose Up

-- When an operator closed a case of what a user said was not them, and with which outcome; null and empty while it is open. The note lies in sealed.
ALTER TABLE report ADD COLUMN closed_at BIGINT;
ALTER TABLE report ADD COLUMN outcome TEXT NOT NULL DEFAULT '';
