-- name: InsertKey :exec
INSERT INTO api_key (id, account_id, subaccount_id, owner_id, name, purpose, environment, dialect, algorithm, scopes, allowlist,
    settings, window_past, created_at, created_device, expires_at, revoked_why, last_used_from, on_end, template, standby, pin, imported_at,
    created_session, markets, order_most, day_most, per_second, vendor, destinations)
VALUES (@id, @account_id, @subaccount_id, @owner_id, @name, @purpose, @environment, @dialect, @algorithm, @scopes, @allowlist,
    @settings, @window_past, @created_at, @created_device, @expires_at, '', '', @on_end, @template, @standby, @pin, @imported_at,
    @created_session, @markets, @order_most, @day_most, @per_second, @vendor, @destinations);

-- name: InsertKeySecret :exec
INSERT INTO api_key_secret (key_id, version, material, created_at, minted_by) VALUES (@key_id, @version, @material, @created_at, @minted_by);

-- name: KeyByID :one
SELECT k.id, k.account_id, k.subaccount_id, k.owner_id, k.name, k.purpose, k.environment, k.dialect, k.algorithm, k.scopes, k.allowlist,
    k.settings, k.window_past, k.created_at, k.created_device, k.expires_at, k.revoked_at, k.revoked_why, k.last_used_at, k.last_used_from,
    k.frozen_at, k.blocked_at, k.stopped_why, k.on_end, k.template, k.standby, k.pin, k.noticed, k.dormancy, k.woken_at, k.imported_at,
    k.lapse_noticed, k.released_at, k.created_session, k.markets, k.order_most, k.day_most, k.per_second, k.ordered_day, k.ordered, k.vendor, k.vendor_secret, k.destinations,
    k.orphaned_at, u.name AS owner_name, u.disabled_at, l.locked_at, m.role, m.removed_at, m.keys_until, m.frozen_at AS member_frozen_at, w.sponsor_one, w.sponsor_two,
    (SELECT COUNT(*) FROM member o JOIN user_lock x ON x.user_id = o.user_id
        WHERE o.account_id = k.account_id AND o.role = 'owner' AND o.removed_at IS NULL) AS owners_locked
FROM api_key k
JOIN users u ON u.id = k.owner_id
JOIN member m ON m.account_id = k.account_id AND m.user_id = k.owner_id
LEFT JOIN user_lock l ON l.user_id = k.owner_id
LEFT JOIN service_user w ON w.user_id = k.owner_id
WHERE k.id = @id;

-- name: ListLiveKeys :many
SELECT k.id, k.account_id, k.subaccount_id, k.owner_id, k.name, k.purpose, k.environment, k.dialect, k.algorithm, k.scopes, k.allowlist,
    k.settings, k.window_past, k.created_at, k.created_device, k.expires_at, k.revoked_at, k.revoked_why, k.last_used_at, k.last_used_from,
    k.frozen_at, k.blocked_at, k.stopped_why, k.on_end, k.template, k.standby, k.pin, k.noticed, k.dormancy, k.woken_at, k.imported_at,
    k.lapse_noticed, k.released_at, k.created_session, k.markets, k.order_most, k.day_most, k.per_second, k.ordered_day, k.ordered, k.vendor, k.vendor_secret, k.destinations,
    k.orphaned_at, u.name AS owner_name, u.disabled_at, l.locked_at, m.role, m.removed_at, m.keys_until, m.frozen_at AS member_frozen_at, w.sponsor_one, w.sponsor_two,
    (SELECT COUNT(*) FROM member o JOIN user_lock x ON x.user_id = o.user_id
        WHERE o.account_id = k.account_id AND o.role = 'owner' AND o.removed_at IS NULL) AS owners_locked
FROM api_key k
JOIN users u ON u.id = k.owner_id
JOIN member m ON m.account_id = k.account_id AND m.user_id = k.owner_id
LEFT JOIN user_lock l ON l.user_id = k.owner_id
LEFT JOIN service_user w ON w.user_id = k.owner_id
WHERE k.id > @after AND k.id <= @last ORDER BY k.id LIMIT CAST(@max_rows AS BIGINT);

-- name: CountKeys :one
SELECT count(*) FROM api_key;

-- name: CountLiveKeysByDialect :many
SELECT dialect, count(*) AS live FROM api_key WHERE revoked_at IS NULL AND expires_at > @now GROUP BY dialect;

-- name: NthKey :one
SELECT id FROM api_key ORDER BY id LIMIT 1 OFFSET CAST(@skipped AS BIGINT);

-- name: ListKeysByAccount :many
SELECT k.id, k.account_id, k.subaccount_id, k.owner_id, k.name, k.purpose, k.environment, k.dialect, k.algorithm, k.scopes, k.allowlist,
    k.settings, k.window_past, k.created_at, k.created_device, k.expires_at, k.revoked_at, k.revoked_why, k.last_used_at, k.last_used_from,
    k.frozen_at, k.blocked_at, k.stopped_why, k.on_end, k.template, k.standby, k.pin, k.noticed, k.dormancy, k.woken_at, k.imported_at,
    k.lapse_noticed, k.released_at, k.created_session, k.markets, k.order_most, k.day_most, k.per_second, k.ordered_day, k.ordered, k.vendor, k.vendor_secret, k.destinations,
    k.orphaned_at, u.name AS owner_name, u.disabled_at, l.locked_at, m.role, m.removed_at, m.keys_until, m.frozen_at AS member_frozen_at, w.sponsor_one, w.sponsor_two,
    (SELECT COUNT(*) FROM member o JOIN user_lock x ON x.user_id = o.user_id
        WHERE o.account_id = k.account_id AND o.role = 'owner' AND o.removed_at IS NULL) AS owners_locked
FROM api_key k
JOIN users u ON u.id = k.owner_id
JOIN member m ON m.account_id = k.account_id AND m.user_id = k.owner_id
LEFT JOIN user_lock l ON l.user_id = k.owner_id
LEFT JOIN service_user w ON w.user_id = k.owner_id
WHERE k.account_id = @account_id ORDER BY k.created_at DESC, k.id DESC;

-- name: ListKeyIDsByOwner :many
SELECT id FROM api_key WHERE owner_id = @owner_id ORDER BY id;

-- name: ListKeyIDsBySubaccount :many
SELECT id FROM api_key WHERE account_id = @account_id AND subaccount_id = @subaccount_id ORDER BY id;

-- name: ListKeySecrets :many
SELECT key_id, version, material, created_at, retires_at, minted_by, last_used_at, last_used_from, retiring_since, notice_at, extended FROM api_key_secret WHERE key_id = @key_id ORDER BY version;

-- name: ListKeySecretsBetween :many
SELECT key_id, version, material, created_at, retires_at, minted_by, last_used_at, last_used_from, retiring_since, notice_at, extended FROM api_key_secret
WHERE key_id > @after AND key_id <= @last ORDER BY key_id, version;

-- name: RevokeKey :execrows
UPDATE api_key SET revoked_at = @revoked_at, revoked_why = @revoked_why WHERE id = @id AND account_id = @account_id AND revoked_at IS NULL;

-- name: TouchKey :execrows
UPDATE api_key SET last_used_at = @last_used_at, last_used_from = @last_used_from
WHERE id = @id AND (last_used_at IS NULL OR last_used_at < @last_used_at);

-- name: NoteKeyOrdered :exec
UPDATE api_key SET ordered_day = @ordered_day, ordered = @ordered WHERE id = @id AND ordered_day <= @ordered_day;

-- name: ClaimKeyNonce :execrows
INSERT INTO key_nonce (key_id, nonce, at) VALUES (@key_id, @nonce, @at) ON CONFLICT DO NOTHING;

-- name: CountKeyNonce :execrows
UPDATE api_key SET nonces = nonces + 1 WHERE id = @id AND nonces < @most;

-- name: RaiseKeyMark :one
INSERT INTO key_mark (key_id, mark) VALUES (@key_id, @mark)
ON CONFLICT (key_id) DO UPDATE SET mark = CASE WHEN key_mark.mark < excluded.mark THEN excluded.mark ELSE key_mark.mark END
RETURNING mark;

-- name: SettingsOfKey :one
SELECT dialect, settings FROM api_key WHERE id = @id;

-- name: DiscountKeyNonces :exec
UPDATE api_key SET nonces = nonces - @gone WHERE id = @id;

-- name: DeleteKeyNoncesBelow :execrows
DELETE FROM key_nonce WHERE key_id = @key_id AND nonce < @least;

-- name: DeleteKeyNoncesOfEnded :execrows
DELETE FROM key_nonce WHERE key_id IN (SELECT k.id FROM api_key k WHERE k.revoked_at < @before OR k.expires_at < @before) AND nonce IN (
    SELECT n.nonce FROM key_nonce n JOIN api_key e ON e.id = n.key_id WHERE e.revoked_at < @before OR e.expires_at < @before LIMIT CAST(@max_rows AS BIGINT)
);

-- name: RevokeKeysByOwner :many
UPDATE api_key SET revoked_at = @revoked_at, revoked_why = @revoked_why WHERE owner_id = @owner_id AND revoked_at IS NULL RETURNING id;

-- name: EraseKeysOfOwner :exec
UPDATE api_key SET name = '', purpose = '', allowlist = '', last_used_from = '', pin = '', markets = '', vendor = '', destinations = '' WHERE owner_id = @owner_id;

-- name: EraseSecretUsesOfOwner :exec
UPDATE api_key_secret SET last_used_from = '' WHERE key_id IN (SELECT id FROM api_key WHERE owner_id = @owner_id);

-- name: EraseKeyUsesOfOwner :exec
DELETE FROM key_use WHERE key_id IN (SELECT id FROM api_key WHERE owner_id = @owner_id);

-- name: EditKey :execrows
UPDATE api_key SET name = @name, purpose = @purpose, scopes = @scopes, allowlist = @allowlist, expires_at = @expires_at, on_end = @on_end,
    standby = @standby, pin = @pin, noticed = @noticed, dormancy = @dormancy, woken_at = @woken_at,
    lapse_noticed = @lapse_noticed, released_at = @released_at, created_session = @created_session, markets = @markets, order_most = @order_most,
    day_most = @day_most, per_second = @per_second, window_past = @window_past, settings = @settings, vendor = @vendor, vendor_secret = @vendor_secret,
    destinations = @destinations, orphaned_at = @orphaned_at
WHERE id = @id AND account_id = @account_id AND revoked_at IS NULL;

-- name: FreezeKey :execrows
UPDATE api_key SET frozen_at = @frozen_at, stopped_why = @stopped_why
WHERE id = @id AND account_id = @account_id AND revoked_at IS NULL AND frozen_at IS NULL;

-- name: UnfreezeKey :execrows
UPDATE api_key SET frozen_at = NULL WHERE id = @id AND account_id = @account_id AND revoked_at IS NULL AND frozen_at IS NOT NULL;

-- name: BlockKey :execrows
UPDATE api_key SET blocked_at = @blocked_at, stopped_why = @stopped_why
WHERE id = @id AND account_id = @account_id AND revoked_at IS NULL AND blocked_at IS NULL;

-- name: UnblockKey :execrows
UPDATE api_key SET blocked_at = NULL WHERE id = @id AND account_id = @account_id AND revoked_at IS NULL AND blocked_at IS NOT NULL;

-- name: RetireSecretsBefore :exec
UPDATE api_key_secret SET retires_at = @retires_at, retiring_since = @retiring_since, notice_at = @notice_at
WHERE key_id = @key_id AND version < @version AND (retires_at IS NULL OR retires_at > @retires_at);

-- name: ExtendKeySecret :execrows
UPDATE api_key_secret SET retires_at = @retires_at, notice_at = @notice_at, extended = 1 WHERE key_id = @key_id AND version = @version AND extended = 0;

-- name: NoteSecretNotice :exec
UPDATE api_key_secret SET notice_at = @notice_at WHERE key_id = @key_id AND version = @version;

-- name: ListKeysRetiring :many
SELECT DISTINCT key_id FROM api_key_secret WHERE retires_at > @now AND notice_at <= @now ORDER BY key_id LIMIT CAST(@max_rows AS BIGINT);

-- name: DeleteKeySecret :execrows
DELETE FROM api_key_secret WHERE key_id = @key_id AND version = @version;

-- name: DeleteRetiredSecrets :execrows
DELETE FROM api_key_secret WHERE api_key_secret.retires_at < @before AND (key_id, version) IN (
    SELECT s.key_id, s.version FROM api_key_secret s WHERE s.retires_at < @before LIMIT CAST(@max_rows AS BIGINT)
);

-- name: TouchKeySecret :execrows
UPDATE api_key_secret SET last_used_at = @last_used_at, last_used_from = @last_used_from
WHERE key_id = @key_id AND version = @version AND (last_used_at IS NULL OR last_used_at < @last_used_at);

-- name: AddKeyUse :exec
INSERT INTO key_use (key_id, hour, addr, route, code, scope, calls, last_at) VALUES (@key_id, @hour, @addr, @route, @code, @scope, @calls, @last_at)
ON CONFLICT (key_id, hour, addr, route, code) DO UPDATE SET calls = key_use.calls + excluded.calls, last_at = excluded.last_at;

-- name: ListKeyUses :many
SELECT key_id, hour, addr, route, code, calls, last_at, scope FROM key_use WHERE key_id = @key_id AND hour >= @since
ORDER BY hour DESC, last_at DESC LIMIT CAST(@max_rows AS BIGINT);

-- name: ListKeyUsesByDay :many
SELECT CAST(hour / 86400000000 AS BIGINT) AS on_day, CAST(SUM(CASE WHEN code = '' THEN calls ELSE 0 END) AS BIGINT) AS passed,
    CAST(SUM(CASE WHEN code = '' THEN 0 ELSE calls END) AS BIGINT) AS refused
FROM key_use WHERE key_id = @key_id AND hour >= @since GROUP BY hour / 86400000000 ORDER BY 1;

-- name: ListKeyUsesByCode :many
SELECT code, CAST(SUM(calls) AS BIGINT) AS refused, CAST(MAX(last_at) AS BIGINT) AS latest
FROM key_use WHERE key_id = @key_id AND hour >= @since AND code <> '' GROUP BY code ORDER BY 2 DESC, 1 LIMIT CAST(@max_rows AS BIGINT);

-- name: DeleteOldKeyUses :execrows
DELETE FROM key_use WHERE key_use.hour < @before AND (key_id, hour, addr, route, code) IN (
    SELECT u.key_id, u.hour, u.addr, u.route, u.code FROM key_use u WHERE u.hour < @before LIMIT CAST(@max_rows AS BIGINT)
);

-- name: ListKeyScopesUsed :many
SELECT DISTINCT scope FROM key_use WHERE key_id = @key_id AND hour >= @since;

-- name: KeyScopesByKey :one
SELECT widened_at, told_at FROM key_scopes WHERE key_id = @key_id;

-- name: PutKeyScopesWidened :exec
INSERT INTO key_scopes (key_id, widened_at) VALUES (@key_id, @widened_at)
ON CONFLICT (key_id) DO UPDATE SET widened_at = excluded.widened_at, asked_at = NULL, told_at = NULL;

-- name: PutKeyScopesAsked :exec
INSERT INTO key_scopes (key_id, asked_at, told_at) VALUES (@key_id, @asked_at, @told_at)
ON CONFLICT (key_id) DO UPDATE SET asked_at = excluded.asked_at, told_at = excluded.told_at;

-- name: ListKeysToAskScopes :many
SELECT k.id FROM api_key k LEFT JOIN key_scopes s ON s.key_id = k.id
WHERE k.revoked_at IS NULL AND k.standby = 0 AND k.expires_at > @now AND k.created_at <= @used_since AND k.last_used_at > @used_since
    AND s.told_at IS NULL AND (s.widened_at IS NULL OR s.widened_at <= @used_since) AND (s.asked_at IS NULL OR s.asked_at <= @asked_before)
ORDER BY k.id LIMIT CAST(@max_rows AS BIGINT);

-- name: TakeKeyRow :exec
UPDATE api_key SET name = name WHERE id = @id;

-- name: ClaimKeyRow :execrows
UPDATE api_key SET name = name
WHERE id = @id AND revoked_at IS NULL AND blocked_at IS NULL AND frozen_at IS NULL AND expires_at > @now;

-- name: ListKeyIDsServing :many
SELECT k.id FROM member m JOIN service_user w ON w.account_id = m.account_id JOIN api_key k ON k.owner_id = w.user_id
WHERE m.user_id = @user_id AND m.role = 'owner' AND m.removed_at IS NULL AND k.revoked_at IS NULL ORDER BY k.id;

-- name: TransferKey :execrows
UPDATE api_key SET owner_id = @owner_id, orphaned_at = NULL, released_at = NULL, created_session = @created_session
WHERE id = @id AND account_id = @account_id AND revoked_at IS NULL;

-- name: SetKeyGiven :exec
UPDATE api_key SET given_by = @given_by, given_at = @given_at WHERE id = @id;

-- name: ListKeyIDsUnder :many
SELECT id FROM api_key WHERE owner_id <> @user_id AND revoked_at IS NULL
    AND account_id IN (SELECT o.account_id FROM member o WHERE o.user_id = @user_id AND o.role = 'owner' AND o.removed_at IS NULL)
ORDER BY id;

-- name: ListKeyIDsGivenBy :many
SELECT id FROM api_key WHERE api_key.given_by = @given_by AND api_key.given_at > @since AND revoked_at IS NULL
    AND account_id IN (SELECT o.account_id FROM member o WHERE o.user_id = @given_by AND o.role = 'owner' AND o.removed_at IS NULL)
ORDER BY id;
