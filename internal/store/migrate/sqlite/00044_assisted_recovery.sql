-- +goose Up

-- Where the letters of a recovery go that an operator opened for somebody who lost the mailbox too; empty for all others.
ALTER TABLE recovery ADD COLUMN reach TEXT NOT NULL DEFAULT '';
