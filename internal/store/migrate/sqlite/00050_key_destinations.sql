-- +goose Up

-- Where the key may send money: a JSON array of asset, network, address, memo and when it was added (microseconds); empty for nowhere.
ALTER TABLE api_key ADD COLUMN destinations TEXT NOT NULL DEFAULT '';
