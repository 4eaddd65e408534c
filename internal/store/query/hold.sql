-- name: InsertHold :exec
INSERT INTO hold (id, user_id, reason, span, placed_at, account_id) VALUES (@id, @user_id, @reason, @span, @placed_at, @account_id);

-- name: HoldByID :one
SELECT id, user_id, reason, span, placed_at, begun_at, ends_at, account_id FROM hold WHERE id = @id;

-- name: ListRunningHolds :many
SELECT id, user_id, reason, span, placed_at, begun_at, ends_at, account_id FROM hold
WHERE user_id = @user_id AND (ends_at IS NULL OR ends_at > @now) ORDER BY placed_at, id;

-- name: BeginHold :execrows
UPDATE hold SET begun_at = @begun_at, ends_at = @ends_at WHERE id = @id AND begun_at IS NULL;
