-- From schema 18 to 19: whether browsers stay with HTTPS.

ALTER TABLE settings ADD COLUMN hsts INTEGER NOT NULL DEFAULT 0 CHECK (hsts IN (0, 1));
