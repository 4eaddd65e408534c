-- +goose Up

-- Where the letter of a recovery was asked for, so that the letter can say it.
ALTER TABLE recovery ADD COLUMN addr TEXT NOT NULL DEFAULT '';
ALTER TABLE recovery ADD COLUMN agent TEXT NOT NULL DEFAULT '';
