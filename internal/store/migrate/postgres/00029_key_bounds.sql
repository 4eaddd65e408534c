-- +goose Up

-- What a key may order at most: markets (empty: all), the worth of one order and of a day (decimals, empty: no ceiling), and requests in a
-- second (0: no limit). ordered is the worth that it ordered on ordered_day, days since 1970, written behind.
ALTER TABLE api_key ADD COLUMN markets TEXT NOT NULL DEFAULT '';
ALTER TABLE api_key ADD COLUMN order_most TEXT NOT NULL DEFAULT '';
ALTER TABLE api_key ADD COLUMN day_most TEXT NOT NULL DEFAULT '';
ALTER TABLE api_key ADD COLUMN per_second BIGINT NOT NULL DEFAULT 0;
ALTER TABLE api_key ADD COLUMN ordered_day BIGINT NOT NULL DEFAULT 0;
ALTER TABLE api_key ADD COLUMN ordered TEXT NOT NULL DEFAULT '';
