-- From schema 19 to 20: backups by a schedule.

ALTER TABLE settings ADD COLUMN backup_hour INTEGER NOT NULL DEFAULT 3 CHECK (backup_hour BETWEEN 0 AND 23);
ALTER TABLE settings ADD COLUMN backup_keep_daily INTEGER NOT NULL DEFAULT 7 CHECK (backup_keep_daily >= 0);
ALTER TABLE settings ADD COLUMN backup_keep_weekly INTEGER NOT NULL DEFAULT 4 CHECK (backup_keep_weekly >= 0);
ALTER TABLE settings ADD COLUMN backup_keep_monthly INTEGER NOT NULL DEFAULT 6 CHECK (backup_keep_monthly >= 0);
ALTER TABLE settings ADD COLUMN backup_target TEXT NOT NULL DEFAULT '';
ALTER TABLE settings ADD COLUMN backup_recipient TEXT NOT NULL DEFAULT '';

CREATE TABLE backups (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL UNIQUE,
    kind          TEXT    NOT NULL CHECK (kind IN ('schedule', 'person', 'upgrade', 'file')),
    actor         TEXT    NOT NULL DEFAULT '',
    state         TEXT    NOT NULL CHECK (state IN ('waiting', 'running', 'made', 'failed', 'missing')),
    bytes         INTEGER NOT NULL DEFAULT 0,
    error         TEXT    NOT NULL DEFAULT '',
    attempts      INTEGER NOT NULL DEFAULT 0,
    made_at       INTEGER,
    wants_verify  INTEGER NOT NULL DEFAULT 0 CHECK (wants_verify IN (0, 1)),
    verified_at   INTEGER,
    verify_error  TEXT    NOT NULL DEFAULT '',
    next_send_at  INTEGER,
    send_attempts INTEGER NOT NULL DEFAULT 0,
    sent_at       INTEGER,
    sent_to       TEXT    NOT NULL DEFAULT '',
    send_error    TEXT    NOT NULL DEFAULT '',
    encrypted     INTEGER NOT NULL DEFAULT 0 CHECK (encrypted IN (0, 1)),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;
