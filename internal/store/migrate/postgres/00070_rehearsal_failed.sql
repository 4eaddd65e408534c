-- +goose Up

-- The latest rehearsal of a recovery that did not work, and what was typed for it; null and '' where all did.
ALTER TABLE recovery_plan ADD COLUMN failed_at BIGINT;
ALTER TABLE recovery_plan ADD COLUMN failed TEXT NOT NULL DEFAULT '';
