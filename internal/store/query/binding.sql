-- name: InsertBinding :execrows
INSERT INTO binding (session_id, algorithm, public_key, challenge, spent, spent_at, spent_before, spent_before_at, cookie_hash, cookie_until,
    before_hash, before_until, proven_at, agent, created_at, expires_at)
VALUES (@session_id, @algorithm, @public_key, @challenge, @spent, @proven_at, '', 0, @cookie_hash, @cookie_until,
    @before_hash, @before_until, @proven_at, @agent, @proven_at, @expires_at)
ON CONFLICT (session_id) DO NOTHING;

-- name: BindingBySession :one
SELECT session_id, algorithm, public_key, challenge, spent, spent_at, spent_before, spent_before_at, cookie_hash, cookie_until,
    before_hash, before_until, proven_at, agent, created_at, expires_at
FROM binding WHERE session_id = @session_id;

-- name: RenewBinding :execrows
UPDATE binding SET challenge = @challenge, spent = challenge, spent_at = @now, spent_before = spent, spent_before_at = spent_at,
    cookie_hash = @cookie_hash, cookie_until = @cookie_until, before_hash = cookie_hash,
    before_until = CASE WHEN cookie_until < @before_until THEN cookie_until ELSE @before_until END,
    proven_at = @now, agent = @agent
WHERE session_id = @session_id AND challenge = @used;

-- name: DeleteBindingsBefore :execrows
DELETE FROM binding WHERE session_id IN (SELECT b.session_id FROM binding b WHERE b.expires_at < @before ORDER BY b.expires_at LIMIT CAST(@max_rows AS BIGINT));

-- name: DeleteBindingsByUser :exec
DELETE FROM binding WHERE session_id IN (SELECT s.id FROM session s WHERE s.user_id = @user_id);
