-- name: InsertSession :exec
INSERT INTO session (id, token_hash, user_id, account_id, subaccount_id, device_id, parent_id, host, factors, properties, proven_at,
    address, agent, created_at, acted_at, expires_at, revoked_why, challenge, challenge_needs, challenge_until, shared)
VALUES (@id, @token_hash, @user_id, @account_id, @subaccount_id, @device_id, @parent_id, @host, @factors, @properties, @proven_at,
    @address, @agent, @created_at, @created_at, @expires_at, '', @challenge, @challenge_needs, @challenge_until, @shared);

-- name: SessionByID :one
SELECT s.id, s.token_hash, s.user_id, s.account_id, s.subaccount_id, s.device_id, s.parent_id, s.host, s.factors, s.properties,
    s.proven_at, s.address, s.agent, s.created_at, s.acted_at, s.expires_at, s.revoked_at, s.revoked_why,
    s.challenge, s.challenge_needs, s.challenge_until, s.shared, s.odd_why, s.odd_at, s.copied_times, s.copied_at,
    u.name, u.lang, u.disabled_at, u.staff_at, m.role, m.removed_at, m.frozen_at AS member_frozen_at,
    b.cookie_hash, b.cookie_until, b.before_hash, b.before_until, b.proven_at AS bound_proven_at, b.agent AS bound_agent,
    (SELECT COUNT(*) FROM member o JOIN user_lock x ON x.user_id = o.user_id
        WHERE o.account_id = s.account_id AND o.user_id <> s.user_id AND o.role = 'owner' AND o.removed_at IS NULL) AS owners_locked
FROM session s
JOIN users u ON u.id = s.user_id
JOIN member m ON m.account_id = s.account_id AND m.user_id = s.user_id
LEFT JOIN binding b ON b.session_id = s.id
WHERE s.id = @id;

-- name: ListLiveSessions :many
SELECT s.id, s.token_hash, s.user_id, s.account_id, s.subaccount_id, s.device_id, s.parent_id, s.host, s.factors, s.properties,
    s.proven_at, s.address, s.agent, s.created_at, s.acted_at, s.expires_at, s.revoked_at, s.revoked_why,
    s.challenge, s.challenge_needs, s.challenge_until, s.shared, s.odd_why, s.odd_at, s.copied_times, s.copied_at,
    u.name, u.lang, u.disabled_at, u.staff_at, m.role, m.removed_at, m.frozen_at AS member_frozen_at,
    b.cookie_hash, b.cookie_until, b.before_hash, b.before_until, b.proven_at AS bound_proven_at, b.agent AS bound_agent,
    (SELECT COUNT(*) FROM member o JOIN user_lock x ON x.user_id = o.user_id
        WHERE o.account_id = s.account_id AND o.user_id <> s.user_id AND o.role = 'owner' AND o.removed_at IS NULL) AS owners_locked
FROM session s
JOIN users u ON u.id = s.user_id
JOIN member m ON m.account_id = s.account_id AND m.user_id = s.user_id
LEFT JOIN binding b ON b.session_id = s.id
WHERE s.expires_at > @now AND s.revoked_at IS NULL AND s.id > @after ORDER BY s.id LIMIT CAST(@max_rows AS BIGINT);

-- name: ListLiveSessionsByUser :many
SELECT s.id, s.token_hash, s.user_id, s.account_id, s.subaccount_id, s.device_id, s.parent_id, s.host, s.factors, s.properties,
    s.proven_at, s.address, s.agent, s.created_at, s.acted_at, s.expires_at, s.revoked_at, s.revoked_why,
    s.challenge, s.challenge_needs, s.challenge_until, s.shared, s.odd_why, s.odd_at, s.copied_times, s.copied_at,
    u.name, u.lang, u.disabled_at, u.staff_at, m.role, m.removed_at, m.frozen_at AS member_frozen_at,
    b.cookie_hash, b.cookie_until, b.before_hash, b.before_until, b.proven_at AS bound_proven_at, b.agent AS bound_agent,
    (SELECT COUNT(*) FROM member o JOIN user_lock x ON x.user_id = o.user_id
        WHERE o.account_id = s.account_id AND o.user_id <> s.user_id AND o.role = 'owner' AND o.removed_at IS NULL) AS owners_locked
FROM session s
JOIN users u ON u.id = s.user_id
JOIN member m ON m.account_id = s.account_id AND m.user_id = s.user_id
LEFT JOIN binding b ON b.session_id = s.id
WHERE s.user_id = @user_id AND s.expires_at > @now AND s.revoked_at IS NULL ORDER BY s.created_at DESC;

-- name: RaiseSession :execrows
UPDATE session SET token_hash = @token_hash, factors = @factors, properties = @properties, proven_at = @proven_at, acted_at = @acted_at,
    challenge = @challenge, challenge_needs = @challenge_needs, challenge_until = @challenge_until, address = @address, agent = @agent
WHERE id = @id AND token_hash = @old_token_hash AND revoked_at IS NULL;

-- name: MoveSession :execrows
UPDATE session SET account_id = @account_id, subaccount_id = @subaccount_id WHERE id = @id AND token_hash = @token_hash AND revoked_at IS NULL;

-- name: DeleteStepUpsBySession :exec
DELETE FROM step_up WHERE session_id = @session_id;

-- name: LapseChallenge :execrows
UPDATE session SET challenge_until = @until WHERE id = @id AND challenge <> '' AND challenge <> 'demanded' AND challenge_until IS NULL AND revoked_at IS NULL;

-- name: ChallengeSession :execrows
UPDATE session SET challenge = @challenge, challenge_needs = @challenge_needs, challenge_until = @challenge_until WHERE id = @id AND revoked_at IS NULL;

-- name: TouchSession :execrows
UPDATE session SET acted_at = @acted_at WHERE id = @id AND acted_at < @acted_at AND revoked_at IS NULL;

-- name: MarkSessionOdd :execrows
UPDATE session SET odd_why = @why, odd_at = @shown_at WHERE id = @id AND revoked_at IS NULL AND (odd_at IS NULL OR odd_at < @shown_at);

-- name: MarkSessionCopied :execrows
UPDATE session SET copied_times = @times, copied_at = @shown_at WHERE id = @id AND revoked_at IS NULL AND (copied_at IS NULL OR copied_at < @shown_at);

-- name: ClaimCopyTold :execrows
UPDATE session SET copied_told_at = @now WHERE id = @id AND revoked_at IS NULL AND (copied_told_at IS NULL OR copied_told_at <= @before);

-- name: ListSessionAddresses :many
SELECT DISTINCT address FROM session WHERE user_id = @user_id AND device_id = @device_id ORDER BY address;

-- name: RevokeSession :many
UPDATE session SET revoked_at = @revoked_at, revoked_why = @revoked_why
WHERE user_id = @user_id AND (id = @id OR parent_id = @id) AND revoked_at IS NULL RETURNING id;

-- name: RevokeSessionsByUser :many
UPDATE session SET revoked_at = @revoked_at, revoked_why = @revoked_why
WHERE user_id = @user_id AND revoked_at IS NULL AND expires_at > @revoked_at RETURNING id;

-- name: RevokeOtherSessionsByUser :many
UPDATE session SET revoked_at = @revoked_at, revoked_why = @revoked_why
WHERE user_id = @user_id AND id <> @keep_id AND (parent_id IS NULL OR parent_id <> @keep_id)
    AND revoked_at IS NULL AND expires_at > @revoked_at RETURNING id;

-- name: RevokeChildrenOnHost :many
UPDATE session SET revoked_at = @revoked_at, revoked_why = @revoked_why
WHERE parent_id = @parent_id AND host = @host AND revoked_at IS NULL RETURNING id;

-- name: RevokeChildren :many
UPDATE session SET revoked_at = @revoked_at, revoked_why = @revoked_why WHERE parent_id = @parent_id AND revoked_at IS NULL RETURNING id;

-- name: VoidChildCodes :exec
UPDATE child_code SET spent_at = @now WHERE parent_id = @parent_id AND spent_at IS NULL;

-- name: DeleteSessionsBefore :execrows
DELETE FROM session WHERE id IN (SELECT s.id FROM session s WHERE s.expires_at < @before ORDER BY s.expires_at LIMIT CAST(@max_rows AS BIGINT));

-- name: InsertChildCode :exec
INSERT INTO child_code (code_hash, parent_id, host, path, state, created_at, expires_at)
VALUES (@code_hash, @parent_id, @host, @path, @state, @created_at, @expires_at);

-- name: SpendChildCode :one
UPDATE child_code SET spent_at = @now
WHERE code_hash = @code_hash AND host = @host AND state = @state AND spent_at IS NULL AND expires_at > @now
RETURNING parent_id, path;

-- name: DeleteChildCodesBefore :execrows
DELETE FROM child_code WHERE code_hash IN (SELECT c.code_hash FROM child_code c WHERE c.expires_at < @before ORDER BY c.expires_at LIMIT CAST(@max_rows AS BIGINT));

-- name: InsertStepUp :exec
INSERT INTO step_up (id, user_id, session_id, action, digest, facts, needs, created_at, expires_at, factors)
VALUES (@id, @user_id, @session_id, @action, @digest, @facts, @needs, @created_at, @expires_at, 0);

-- name: DeleteOldestOpenStepUps :execrows
DELETE FROM step_up WHERE id IN (
    SELECT s.id FROM step_up s WHERE s.session_id = @session_id AND s.satisfied_at IS NULL ORDER BY s.id DESC
    LIMIT 1000000 OFFSET CAST(@keep AS BIGINT)
);

-- name: StepUpByID :one
SELECT id, user_id, session_id, action, digest, facts, needs, created_at, expires_at, satisfied_at, factors, spent_at
FROM step_up WHERE id = @id;

-- name: SatisfyStepUp :execrows
UPDATE step_up SET satisfied_at = @now, factors = @factors, expires_at = @expires_at
WHERE id = @id AND session_id = @session_id AND satisfied_at IS NULL AND expires_at > @now;

-- name: SpendStepUp :execrows
UPDATE step_up SET spent_at = @now
WHERE id = (
    SELECT s.id FROM step_up s
    WHERE s.session_id = @session_id AND s.user_id = @user_id AND s.action = @action AND s.digest = @digest
        AND s.satisfied_at IS NOT NULL AND s.spent_at IS NULL AND s.expires_at > @now
        AND EXISTS (SELECT 1 FROM session l WHERE l.id = s.session_id AND l.revoked_at IS NULL AND l.expires_at > @now)
    ORDER BY s.id LIMIT 1
) AND spent_at IS NULL;

-- name: DeleteStepUpsBefore :execrows
DELETE FROM step_up WHERE id IN (SELECT s.id FROM step_up s WHERE s.expires_at < @before ORDER BY s.expires_at LIMIT CAST(@max_rows AS BIGINT));

-- name: EraseSessionsOfUser :exec
UPDATE session SET address = '', agent = '' WHERE user_id = @user_id;

-- name: DeleteStepUpsByUser :exec
DELETE FROM step_up WHERE user_id = @user_id;
