-- +goose Up

-- Where a user's browser was seen: a network as wide as a /24 or /48, and a family of agents without versions. known_from is when it counts as
-- known, and empty until somebody showed their best factor there or its user was told.
CREATE TABLE device_place (
    device_id    BLOB NOT NULL REFERENCES device (id),
    user_id      BLOB NOT NULL REFERENCES users (id),
    network      TEXT NOT NULL,
    family       TEXT NOT NULL,
    known_from   INTEGER,
    last_seen_at INTEGER NOT NULL,
    PRIMARY KEY (device_id, user_id, network, family)
) STRICT;
CREATE INDEX device_place_user ON device_place (user_id);

-- A factor that the session has to show before it does more than look and cancel: why, which level, and when the question lapses.
ALTER TABLE session ADD COLUMN challenge TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN challenge_needs TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN challenge_until INTEGER;
-- A session on a computer that is not its user's own: 1, or 0.
ALTER TABLE session ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;
