-- name: InsertDataKey :execrows
INSERT INTO data_key (version, kek, wrapped, created_at) VALUES (@version, @kek, @wrapped, @created_at) ON CONFLICT DO NOTHING;

-- name: ListDataKeys :many
SELECT version, kek, wrapped, created_at FROM data_key ORDER BY version;

-- name: RewrapDataKey :execrows
UPDATE data_key SET kek = @kek, wrapped = @wrapped WHERE version = @version AND kek = @old_kek;

-- name: InsertServerSecret :execrows
INSERT INTO server_secret (name, sealed, created_at) VALUES (@name, @sealed, @created_at) ON CONFLICT DO NOTHING;

-- name: ServerSecretByName :one
SELECT sealed FROM server_secret WHERE name = @name;

-- name: AdvanceHead :one
UPDATE audit_head SET seq = seq + @events, feed_seq = feed_seq + @changes WHERE id = 1 RETURNING seq, feed_seq, chain;

-- name: SetHead :exec
UPDATE audit_head SET chain = @chain, at = @at, mac = @mac WHERE id = 1;

-- name: Head :one
SELECT seq, feed_seq, chain, at, mac FROM audit_head WHERE id = 1;

-- name: InsertPersonKey :execrows
INSERT INTO person_key (user_id, sealed, created_at) VALUES (@user_id, @sealed, @created_at) ON CONFLICT DO NOTHING;

-- name: PersonKeyByUser :one
SELECT sealed, destroyed_at FROM person_key WHERE user_id = @user_id;

-- name: DestroyPersonKey :execrows
UPDATE person_key SET sealed = NULL, destroyed_at = @destroyed_at WHERE user_id = @user_id AND destroyed_at IS NULL;

-- name: InsertAuditEvent :exec
INSERT INTO audit_event (seq, id, at, action, whose, commitment, chain, person_id, account_id, sealed)
VALUES (@seq, @id, @at, @action, @whose, @commitment, @chain, @person_id, @account_id, @sealed);

-- name: ListAuditEvents :many
SELECT seq, id, at, action, whose, commitment, chain, person_id, account_id, sealed FROM audit_event
WHERE seq > @after ORDER BY seq LIMIT CAST(@max_rows AS BIGINT);

-- name: ListAuditEventsByPerson :many
SELECT seq, id, at, action, whose, commitment, chain, person_id, account_id, sealed FROM audit_event
WHERE person_id = @person_id AND seq < @before ORDER BY seq DESC LIMIT CAST(@max_rows AS BIGINT);

-- name: ListAuditMomentsByPerson :many
SELECT seq, at, action FROM audit_event WHERE person_id = @person_id AND seq < @before AND at >= @since ORDER BY seq DESC LIMIT CAST(@max_rows AS BIGINT);

-- name: ListAuditEventsByAccount :many
SELECT seq, id, at, action, whose, commitment, chain, person_id, account_id, sealed FROM audit_event
WHERE account_id = @account_id AND seq < @before ORDER BY seq DESC LIMIT CAST(@max_rows AS BIGINT);

-- name: ListAuditEventsOfKeys :many
SELECT seq, id, at, action, whose, commitment, chain, person_id, account_id, sealed FROM audit_event
WHERE account_id = @account_id AND seq < @before AND at >= @since AND (action LIKE 'key.%' OR action = @also)
ORDER BY seq DESC LIMIT CAST(@max_rows AS BIGINT);

-- name: InsertFeed :exec
INSERT INTO feed (seq, at, kind, subject) VALUES (@seq, @at, @kind, @subject);

-- name: ListFeed :many
SELECT seq, at, kind, subject FROM feed WHERE seq > @after ORDER BY seq LIMIT CAST(@max_rows AS BIGINT);

-- name: DeleteFeedBefore :execrows
DELETE FROM feed WHERE seq IN (SELECT f.seq FROM feed f WHERE f.at < @before ORDER BY f.at LIMIT CAST(@max_rows AS BIGINT));

-- name: SpendMark :execrows
INSERT INTO spent (mark, expires_at) VALUES (@mark, @expires_at) ON CONFLICT DO NOTHING;

-- name: DeleteSpentBefore :execrows
DELETE FROM spent WHERE mark IN (SELECT s.mark FROM spent s WHERE s.expires_at < @before ORDER BY s.expires_at LIMIT CAST(@max_rows AS BIGINT));

-- name: ThrottleByBucket :one
SELECT failures, next_at, updated_at FROM throttle WHERE bucket = @bucket;

-- name: InsertThrottle :execrows
INSERT INTO throttle (bucket, failures, next_at, updated_at) VALUES (@bucket, @failures, @next_at, @updated_at) ON CONFLICT DO NOTHING;

-- name: UpdateThrottle :execrows
UPDATE throttle SET failures = @failures, next_at = @next_at, updated_at = @updated_at
WHERE bucket = @bucket AND failures = @seen_failures AND updated_at = @seen_updated_at;

-- name: DeleteThrottle :execrows
DELETE FROM throttle WHERE bucket = @bucket;

-- name: DeleteThrottleBefore :execrows
DELETE FROM throttle WHERE throttle.updated_at < @before AND bucket IN (SELECT t.bucket FROM throttle t WHERE t.updated_at < @before ORDER BY t.updated_at LIMIT CAST(@max_rows AS BIGINT));
