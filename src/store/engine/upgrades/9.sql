-- From schema 8 to 9: the classic API.

ALTER TABLE settings ADD COLUMN classic_api INTEGER NOT NULL DEFAULT 0 CHECK (classic_api IN (0, 1));
ALTER TABLE settings ADD COLUMN classic_api_allow TEXT NOT NULL DEFAULT '[]';
