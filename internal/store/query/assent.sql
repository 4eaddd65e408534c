-- name: PutAssent :exec
INSERT INTO assent (user_id, item, state, at) VALUES (@user_id, @item, @state, @at)
ON CONFLICT (user_id, item) DO UPDATE SET state = excluded.state, at = excluded.at;

-- name: ListAssentsByUser :many
SELECT item, state, at FROM assent WHERE user_id = @user_id ORDER BY item;

-- name: DeleteAssent :exec
DELETE FROM assent WHERE user_id = @user_id AND item = @item;

-- name: DeleteAssentsByUser :exec
DELETE FROM assent WHERE user_id = @user_id;
