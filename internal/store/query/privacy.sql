-- name: InsertDeparture :execrows
INSERT INTO departure (user_id, asked_at, due_at) VALUES (@user_id, @asked_at, @due_at) ON CONFLICT DO NOTHING;

-- name: DepartureByUser :one
SELECT user_id, asked_at, due_at FROM departure WHERE user_id = @user_id;

-- name: DeleteDeparture :execrows
DELETE FROM departure WHERE user_id = @user_id;

-- name: DeleteDueDeparture :execrows
DELETE FROM departure WHERE user_id = @user_id AND due_at = @due_at;

-- name: CountAccountsOwnedAlone :one
SELECT COUNT(*) FROM member m
WHERE m.user_id = @user_id AND m.role = 'owner' AND m.removed_at IS NULL
    AND EXISTS (SELECT 1 FROM member o WHERE o.account_id = m.account_id AND o.user_id <> @user_id AND o.removed_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM service_user w WHERE w.user_id = o.user_id))
    AND NOT EXISTS (
        SELECT 1 FROM member o JOIN users u ON u.id = o.user_id
        WHERE o.account_id = m.account_id AND o.user_id <> @user_id AND o.role = 'owner' AND o.removed_at IS NULL AND u.disabled_at IS NULL
    );

-- name: ListDevicesByUser :many
SELECT d.id, d.agent, u.first_seen_at, u.last_seen_at FROM device_user u JOIN device d ON d.id = u.device_id
WHERE u.user_id = @user_id ORDER BY u.last_seen_at DESC, d.id;

-- name: ListPlacesByUser :many
SELECT device_id, network, family FROM device_place WHERE user_id = @user_id ORDER BY device_id, last_seen_at DESC, network, family;

-- name: ListEvidenceOfUser :many
SELECT e.slot, e.kind, e.size, e.created_at, e.delete_at FROM recovery r JOIN evidence e ON e.recovery_id = r.id
WHERE r.user_id = @user_id AND r.outcome = 'completed' ORDER BY e.created_at, e.slot;
