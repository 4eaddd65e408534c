-- name: InsertConfirmation :exec
INSERT INTO confirmation (id, user_id, account_id, subaccount_id, action, environment, upstream, asset, network, address, memo, amount, fee,
    created_at, expires_at, nonce, tx_hash, request_digest, back_to, device_bound, assertion)
VALUES (@id, @user_id, @account_id, @subaccount_id, @action, @environment, @upstream, @asset, @network, @address, @memo, @amount, @fee,
    @created_at, @expires_at, @nonce, @tx_hash, @request_digest, @back_to, @device_bound, '');

-- name: ConfirmationByID :one
SELECT id, user_id, account_id, subaccount_id, action, environment, upstream, asset, network, address, memo, amount, fee, created_at, expires_at,
    nonce, tx_hash, request_digest, back_to, approved_at, passkey_id, assertion, executed_at, cancelled_at, device_bound
FROM confirmation WHERE id = @id;

-- name: ListUnspentConfirmationsByUser :many
SELECT id, user_id, account_id, subaccount_id, action, environment, upstream, asset, network, address, memo, amount, fee, created_at, expires_at,
    nonce, tx_hash, request_digest, back_to, approved_at, passkey_id, assertion, executed_at, cancelled_at, device_bound
FROM confirmation
WHERE user_id = @user_id AND expires_at > @after AND executed_at IS NULL AND cancelled_at IS NULL ORDER BY created_at, id;

-- name: ListConfirmationsByUser :many
SELECT id, user_id, account_id, subaccount_id, action, environment, upstream, asset, network, address, memo, amount, fee, created_at, expires_at,
    nonce, tx_hash, request_digest, back_to, approved_at, passkey_id, assertion, executed_at, cancelled_at, device_bound
FROM confirmation WHERE user_id = @user_id ORDER BY created_at DESC, id DESC LIMIT CAST(@max_rows AS BIGINT);

-- name: ApproveConfirmation :execrows
UPDATE confirmation SET approved_at = @now, passkey_id = @passkey_id, assertion = @assertion
WHERE id = @id AND approved_at IS NULL AND executed_at IS NULL AND cancelled_at IS NULL;

-- name: ExecuteConfirmation :execrows
UPDATE confirmation SET executed_at = @now
WHERE id = @id AND approved_at IS NOT NULL AND executed_at IS NULL AND cancelled_at IS NULL;

-- name: CancelConfirmation :execrows
UPDATE confirmation SET cancelled_at = @now WHERE id = @id AND executed_at IS NULL AND cancelled_at IS NULL;

-- name: DeleteUnapprovedConfirmationsBefore :execrows
DELETE FROM confirmation WHERE id IN (
    SELECT c.id FROM confirmation c WHERE c.expires_at < @before AND c.approved_at IS NULL AND (c.expires_at < @longest OR NOT EXISTS (
        SELECT 1 FROM hold h WHERE h.user_id = c.user_id AND h.placed_at < c.expires_at AND (h.ends_at IS NULL OR h.ends_at > @ended)
    )) ORDER BY c.expires_at LIMIT CAST(@max_rows AS BIGINT)
);

-- name: DeleteConfirmationsBefore :execrows
DELETE FROM confirmation WHERE id IN (
    SELECT c.id FROM confirmation c WHERE c.expires_at < @before ORDER BY c.expires_at LIMIT CAST(@max_rows AS BIGINT)
);

-- name: DeleteConfirmationsByUser :exec
DELETE FROM confirmation WHERE user_id = @user_id;
