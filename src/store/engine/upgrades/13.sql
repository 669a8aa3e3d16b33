-- From schema 12 to 13: the password of the classic API.

ALTER TABLE settings ADD COLUMN classic_api_password TEXT NOT NULL DEFAULT '';
