-- +goose Up

-- When the mailbox was last shown in a rehearsal, apart from those of other ways back. The rehearsal of the mailbox that is under way: what its code is made from, when it was asked for, and how many codes were typed. A trial that
-- nobody finished stays until the next.
ALTER TABLE recovery_plan ADD COLUMN mailbox_at BIGINT;
ALTER TABLE recovery_plan ADD COLUMN trial BYTEA;
ALTER TABLE recovery_plan ADD COLUMN trial_at BIGINT;
ALTER TABLE recovery_plan ADD COLUMN trial_tries BIGINT NOT NULL DEFAULT 0;
