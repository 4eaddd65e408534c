-- +goose Up

-- When a session was last shown by something else than signed in, and why that is odd; how often it was shown without the device that it is bound to, when
-- last, and when its user was last told. A session's children count for it. Null until then.
ALTER TABLE session ADD COLUMN odd_why TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN odd_at BIGINT;
ALTER TABLE session ADD COLUMN copied_times BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN copied_at BIGINT;
ALTER TABLE session ADD COLUMN copied_told_at BIGINT;
