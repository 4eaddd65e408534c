-- name: PutACMEItem :exec
INSERT INTO acme_item (name, sealed, size, modified_at) VALUES (@name, @sealed, @size, @modified_at)
ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, size = excluded.size, modified_at = excluded.modified_at;

-- name: ACMEItemByName :one
SELECT name, sealed, size, modified_at FROM acme_item WHERE name = @name;

-- name: ListACMENames :many
SELECT name FROM acme_item WHERE name >= @first AND name < @beyond ORDER BY name;

-- name: DeleteACMEItems :execrows
DELETE FROM acme_item WHERE name = @name OR (name >= @first AND name < @beyond);

-- name: InsertACMELock :execrows
INSERT INTO acme_lock (name, holder, expires_at) VALUES (@name, @holder, @expires_at) ON CONFLICT DO NOTHING;

-- name: RenewACMELock :execrows
UPDATE acme_lock SET holder = @holder, expires_at = @expires_at WHERE name = @name AND (expires_at < @now OR holder = @holder);

-- name: DeleteACMELock :execrows
DELETE FROM acme_lock WHERE name = @name AND holder = @holder;
