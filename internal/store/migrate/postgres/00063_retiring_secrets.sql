-- +goose Up

-- Since when a secret has a newer one beside it, when its key's owner is told next that it ends, and whether its end was put off once.
ALTER TABLE api_key_secret ADD COLUMN retiring_since BIGINT;
ALTER TABLE api_key_secret ADD COLUMN notice_at BIGINT;
ALTER TABLE api_key_secret ADD COLUMN extended BIGINT NOT NULL DEFAULT 0;
UPDATE api_key_secret SET retiring_since = (
    SELECT MIN(n.created_at) FROM api_key_secret n WHERE n.key_id = api_key_secret.key_id AND n.version > api_key_secret.version
) WHERE retires_at IS NOT NULL;
