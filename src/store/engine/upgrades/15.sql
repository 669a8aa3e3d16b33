-- From schema 14 to 15: messages to people about events, by e-mail and HTTP.

ALTER TABLE settings ADD COLUMN panel_url TEXT NOT NULL DEFAULT '';
ALTER TABLE settings ADD COLUMN smtp_url TEXT NOT NULL DEFAULT '';
ALTER TABLE settings ADD COLUMN mail_from TEXT NOT NULL DEFAULT '';
ALTER TABLE settings ADD COLUMN alert_emails TEXT NOT NULL DEFAULT '[]';
ALTER TABLE settings ADD COLUMN quiet_from TEXT NOT NULL DEFAULT '';
ALTER TABLE settings ADD COLUMN quiet_to TEXT NOT NULL DEFAULT '';

-- Nobody is told of what happened before.
ALTER TABLE event_log ADD COLUMN messages_to INTEGER NOT NULL DEFAULT 0;
UPDATE event_log SET messages_to = ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0);

CREATE TABLE message_targets (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    method          TEXT    NOT NULL DEFAULT 'POST' CHECK (method IN ('GET', 'POST')),
    url             TEXT    NOT NULL DEFAULT '',
    headers         TEXT    NOT NULL DEFAULT '',
    content_type    TEXT    NOT NULL DEFAULT 'json' CHECK (content_type IN ('json', 'form', 'text')),
    body            TEXT    NOT NULL DEFAULT '',
    types           TEXT    NOT NULL DEFAULT '[]',
    quiet_hours     INTEGER NOT NULL DEFAULT 1 CHECK (quiet_hours IN (0, 1)),
    enabled         INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    resume_at       INTEGER,
    last_try_at     INTEGER,
    last_success_at INTEGER,
    last_error      TEXT    NOT NULL DEFAULT '',
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE messages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id   INTEGER,
    type       TEXT    NOT NULL,
    object     TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    reference  TEXT,
    at         INTEGER NOT NULL,
    ends_at    INTEGER,
    way        TEXT    NOT NULL CHECK (way IN ('email', 'http', 'box')),
    receiver   TEXT    NOT NULL,
    target_id  INTEGER REFERENCES message_targets (id) ON DELETE CASCADE,
    subject    TEXT    NOT NULL,
    text       TEXT    NOT NULL,
    state      TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'failed', 'dropped')),
    bundle     INTEGER,
    again      INTEGER NOT NULL DEFAULT 0,
    attempts   INTEGER NOT NULL DEFAULT 0,
    next_at    INTEGER,
    last_at    INTEGER,
    error      TEXT    NOT NULL DEFAULT '',
    UNIQUE (event_id, way, receiver)
) STRICT;
CREATE INDEX messages_waiting ON messages (way, receiver, next_at) WHERE state = 'waiting';
CREATE INDEX messages_failed ON messages (last_at) WHERE state = 'failed';
CREATE INDEX messages_mailed ON messages (receiver, last_at) WHERE way = 'email' AND state = 'sent';
CREATE INDEX messages_object ON messages (object, way, receiver, id);
CREATE INDEX messages_target ON messages (target_id) WHERE target_id IS NOT NULL;
