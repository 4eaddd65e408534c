-- name: InsertMessage :execrows
INSERT INTO message (id, user_id, created_at, sealed) VALUES (@id, @user_id, @created_at, @sealed) ON CONFLICT DO NOTHING;

-- name: MessageByID :one
SELECT id, user_id, created_at, sealed, mailed_at, read_at, link_until, contained_at, reached FROM message WHERE id = @id;

-- name: ListMessagesByUser :many
SELECT id, user_id, created_at, sealed, mailed_at, read_at, link_until, contained_at, reached FROM message
WHERE user_id = @user_id AND id < @before ORDER BY id DESC LIMIT CAST(@max_rows AS BIGINT);

-- name: ReadMessage :execrows
UPDATE message SET read_at = @now WHERE id = @id AND user_id = @user_id AND read_at IS NULL;

-- name: LinkMessage :execrows
UPDATE message SET link_until = @link_until WHERE id = @id AND contained_at IS NULL;

-- name: MailedMessage :execrows
UPDATE message SET mailed_at = @now WHERE id = @id AND mailed_at IS NULL;

-- name: ReachMessage :one
UPDATE message SET reached = reached | CAST(@address AS BIGINT) WHERE id = @id RETURNING reached;

-- name: ContainMessage :execrows
UPDATE message SET contained_at = @now WHERE id = @id AND contained_at IS NULL AND link_until > @now;

-- name: DeleteMessagesBefore :execrows
DELETE FROM message WHERE id IN (
    SELECT m.id FROM message m WHERE m.created_at < @before ORDER BY m.created_at LIMIT CAST(@max_rows AS BIGINT)
);

-- name: DeleteMessagesByUser :exec
DELETE FROM message WHERE user_id = @user_id;

-- name: ContactByUser :one
SELECT user_id, mail_since, second, second_since, phrase, phone, phone_since FROM contact WHERE user_id = @user_id;

-- name: PutContactMail :exec
INSERT INTO contact (user_id, mail_since, second, phrase) VALUES (@user_id, @since, '', @no_phrase)
ON CONFLICT (user_id) DO UPDATE SET mail_since = excluded.mail_since;

-- name: PutContactSecond :exec
INSERT INTO contact (user_id, second, second_since, phrase) VALUES (@user_id, @second, @since, @no_phrase)
ON CONFLICT (user_id) DO UPDATE SET second = excluded.second, second_since = excluded.second_since;

-- name: PutContactPhone :exec
INSERT INTO contact (user_id, second, phone, phone_since, phrase) VALUES (@user_id, '', @phone, @since, @no_phrase)
ON CONFLICT (user_id) DO UPDATE SET phone = excluded.phone, phone_since = excluded.phone_since;

-- name: PutContactPhrase :exec
INSERT INTO contact (user_id, second, phrase) VALUES (@user_id, '', @phrase)
ON CONFLICT (user_id) DO UPDATE SET phrase = excluded.phrase;

-- name: DeleteContactByUser :exec
DELETE FROM contact WHERE user_id = @user_id;

-- name: ChangeUserMail :execrows
UPDATE users SET mail = @mail WHERE users.id = @id AND NOT EXISTS (SELECT 1 FROM users o WHERE o.mail = @mail AND o.id <> @id);

-- name: InsertContactChange :exec
INSERT INTO contact_change (id, user_id, session_id, place, old_mail, old_since, new_mail, taken, tries, created_at, expires_at)
VALUES (@id, @user_id, @session_id, @place, @old_mail, @old_since, @new_mail, @taken, 0, @created_at, @expires_at);

-- name: ContactChangeByID :one
SELECT id, user_id, session_id, place, old_mail, old_since, new_mail, taken, tries, created_at, expires_at, done_at, undone_at
FROM contact_change WHERE id = @id;

-- name: CountContactTry :execrows
UPDATE contact_change SET tries = tries + 1 WHERE id = @id AND tries < @max_tries AND expires_at > @now AND done_at IS NULL;

-- name: FinishContactChange :execrows
UPDATE contact_change SET done_at = @now, expires_at = @expires_at WHERE id = @id AND done_at IS NULL AND expires_at > @now;

-- name: UndoContactChange :execrows
UPDATE contact_change SET undone_at = @now WHERE id = @id AND done_at IS NOT NULL AND undone_at IS NULL;

-- name: UndoLaterContactChanges :exec
UPDATE contact_change SET undone_at = @now WHERE user_id = @user_id AND place = @place AND done_at > @since AND undone_at IS NULL;

-- name: DeleteContactChangesBefore :execrows
DELETE FROM contact_change WHERE id IN (
    SELECT c.id FROM contact_change c WHERE c.expires_at < @before ORDER BY c.expires_at LIMIT CAST(@max_rows AS BIGINT)
);

-- name: DeleteContactChangesByUser :exec
DELETE FROM contact_change WHERE user_id = @user_id;
