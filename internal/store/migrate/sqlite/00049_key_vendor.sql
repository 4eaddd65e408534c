-- +goose Up

-- Who outside the account is given the key, in its owner's words; empty for nobody. vendor_secret is the highest version of its secret that a
-- vendor may have had, of one whose mark was taken away; 0 for none.
ALTER TABLE api_key ADD COLUMN vendor TEXT NOT NULL DEFAULT '';
ALTER TABLE api_key ADD COLUMN vendor_secret INTEGER NOT NULL DEFAULT 0;
