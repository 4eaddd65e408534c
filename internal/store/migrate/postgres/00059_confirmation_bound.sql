-- +goose Up

-- Whether only a passkey that cannot leave its device may approve it.
ALTER TABLE confirmation ADD COLUMN device_bound BIGINT NOT NULL DEFAULT 0;
