-- name: InsertKey :exec
INSERT INTO api_key (id, account_id, subaccount_id, owner_id, name, purpose, environment, dialect, algorithm, scopes, allowlist,
    settings, window_past, created_at, created_device, expires_at, revoked_why, last_used_from)
VALUES (@id, @account_id, @subaccount_id, @owner_id, @name, @purpose, @environment, @dialect, @algorithm, @scopes, @allowlist,
    @settings, @window_past, @created_at, @created_device, @expires_at, '', '');

-- name: InsertKeySecret :exec
INSERT INTO api_key_secret (key_id, version, material, created_at) VALUES (@key_id, @version, @material, @created_at);

-- name: KeyByID :one
SELECT k.id, k.account_id, k.subaccount_id, k.owner_id, k.name, k.purpose, k.environment, k.dialect, k.algorithm, k.scopes, k.allowlist,
    k.settings, k.window_past, k.created_at, k.created_device, k.expires_at, k.revoked_at, k.revoked_why, k.last_used_at, k.last_used_from,
    u.name AS owner_name, u.disabled_at, m.role, m.removed_at
FROM api_key k
JOIN users u ON u.id = k.owner_id
JOIN member m ON m.account_id = k.account_id AND m.user_id = k.owner_id
WHERE k.id = @id;

-- name: ListLiveKeys :many
SELECT k.id, k.account_id, k.subaccount_id, k.owner_id, k.name, k.purpose, k.environment, k.dialect, k.algorithm, k.scopes, k.allowlist,
    k.settings, k.window_past, k.created_at, k.created_device, k.expires_at, k.revoked_at, k.revoked_why, k.last_used_at, k.last_used_from,
    u.name AS owner_name, u.disabled_at, m.role, m.removed_at
FROM api_key k
JOIN users u ON u.id = k.owner_id
JOIN member m ON m.account_id = k.account_id AND m.user_id = k.owner_id
WHERE k.id > @after ORDER BY k.id LIMIT CAST(@max_rows AS BIGINT);

-- name: ListKeysByAccount :many
SELECT k.id, k.account_id, k.subaccount_id, k.owner_id, k.name, k.purpose, k.environment, k.dialect, k.algorithm, k.scopes, k.allowlist,
    k.settings, k.window_past, k.created_at, k.created_device, k.expires_at, k.revoked_at, k.revoked_why, k.last_used_at, k.last_used_from,
    u.name AS owner_name, u.disabled_at, m.role, m.removed_at
FROM api_key k
JOIN users u ON u.id = k.owner_id
JOIN member m ON m.account_id = k.account_id AND m.user_id = k.owner_id
WHERE k.account_id = @account_id ORDER BY k.created_at DESC, k.id DESC;

-- name: ListKeyIDsByOwner :many
SELECT id FROM api_key WHERE owner_id = @owner_id ORDER BY id;

-- name: ListKeySecrets :many
SELECT key_id, version, material, created_at FROM api_key_secret WHERE key_id = @key_id ORDER BY version;

-- name: RevokeKey :execrows
UPDATE api_key SET revoked_at = @revoked_at, revoked_why = @revoked_why WHERE id = @id AND account_id = @account_id AND revoked_at IS NULL;

-- name: TouchKey :execrows
UPDATE api_key SET last_used_at = @last_used_at, last_used_from = @last_used_from
WHERE id = @id AND (last_used_at IS NULL OR last_used_at < @last_used_at);

-- name: ClaimKeyNonce :execrows
INSERT INTO key_nonce (key_id, nonce, at) VALUES (@key_id, @nonce, @at) ON CONFLICT DO NOTHING;

-- name: CountKeyNonce :execrows
UPDATE api_key SET nonces = nonces + 1 WHERE id = @id AND nonces < @most;

-- name: RaiseKeyMark :one
INSERT INTO key_mark (key_id, mark) VALUES (@key_id, @mark)
ON CONFLICT (key_id) DO UPDATE SET mark = CASE WHEN key_mark.mark < excluded.mark THEN excluded.mark ELSE key_mark.mark END
RETURNING mark;

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
UPDATE api_key SET name = '', purpose = '', allowlist = '', last_used_from = '' WHERE owner_id = @owner_id;
