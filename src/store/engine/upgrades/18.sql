-- From schema 17 to 18: addresses that read /metrics without a key.

ALTER TABLE settings ADD COLUMN metrics_allow TEXT NOT NULL DEFAULT '[]';
