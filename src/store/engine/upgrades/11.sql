-- From schema 10 to 11: the caller's own number of lines and MAGs, and whom to remind.

ALTER TABLE lines ADD COLUMN reference TEXT NOT NULL DEFAULT '';
ALTER TABLE lines ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE lines ADD COLUMN reminders INTEGER NOT NULL DEFAULT 1 CHECK (reminders IN (0, 1));
ALTER TABLE mags ADD COLUMN reference TEXT NOT NULL DEFAULT '';
ALTER TABLE mags ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE mags ADD COLUMN reminders INTEGER NOT NULL DEFAULT 1 CHECK (reminders IN (0, 1));
CREATE UNIQUE INDEX lines_reference ON lines (reference) WHERE reference <> '';
CREATE INDEX lines_email ON lines (email) WHERE email <> '';
CREATE UNIQUE INDEX mags_reference ON mags (reference) WHERE reference <> '';
CREATE INDEX mags_email ON mags (email) WHERE email <> '';
