-- name: SayHighValue :execrows
INSERT INTO high_value_word (user_id, source, told_at) SELECT u.id, @source, @told_at FROM users u WHERE u.id = @user_id ON CONFLICT DO NOTHING;

-- name: SayHighValueAgain :exec
UPDATE high_value_word SET told_at = @told_at WHERE user_id = @user_id AND source = @source;

-- name: HighValueSaid :one
SELECT told_at FROM high_value_word WHERE user_id = @user_id AND source = @source;

-- name: UnsayHighValue :exec
DELETE FROM high_value_word WHERE user_id = @user_id AND source = @source;

-- name: CountHighValueWords :one
SELECT COUNT(*) FROM high_value_word WHERE user_id = @user_id;

-- name: DeleteHighValueWords :exec
DELETE FROM high_value_word WHERE user_id = @user_id;
