-- From schema 9 to 10: events, and webhooks that are told of them.

ALTER TABLE settings ADD COLUMN event_retention_days INTEGER NOT NULL DEFAULT 30 CHECK (event_retention_days >= 0);
ALTER TABLE settings ADD COLUMN expiring_days TEXT NOT NULL DEFAULT '7,1';

CREATE TABLE events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    type        TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    resource    TEXT    NOT NULL,
    resource_id INTEGER,
    key         TEXT    NOT NULL,
    reference   TEXT,
    actor       TEXT    NOT NULL,
    data        TEXT    NOT NULL,
    omitted     TEXT    NOT NULL
) STRICT;

CREATE TABLE event_log (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    log_id       TEXT    NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    forgotten_id INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO event_log (id) VALUES (1);

CREATE TABLE end_events (
    resource TEXT    NOT NULL,
    days     INTEGER NOT NULL,
    told_to  INTEGER NOT NULL,
    told_id  INTEGER NOT NULL,
    PRIMARY KEY (resource, days)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhooks (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    description    TEXT    NOT NULL DEFAULT '',
    url            TEXT    NOT NULL,
    types          TEXT    NOT NULL DEFAULT '[]',
    enabled        INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    with_passwords INTEGER NOT NULL DEFAULT 0 CHECK (with_passwords IN (0, 1)),
    secret           TEXT    NOT NULL DEFAULT '',
    old_secret       TEXT,
    old_secret_until INTEGER,
    told_to          INTEGER NOT NULL DEFAULT 0,
    failures         INTEGER NOT NULL DEFAULT 0,
    failing_since    INTEGER,
    resume_at        INTEGER,
    last_try_at      INTEGER,
    last_success_at  INTEGER,
    last_error       TEXT    NOT NULL DEFAULT '',
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE webhook_deliveries (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id   INTEGER NOT NULL,
    type       TEXT    NOT NULL,
    object     TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts   INTEGER NOT NULL,
    next_at    INTEGER,
    last_at    INTEGER,
    status     INTEGER,
    error      TEXT    NOT NULL DEFAULT '',
    micros     INTEGER,
    UNIQUE (webhook_id, event_id)
) STRICT;
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (webhook_id, object, event_id) WHERE state = 'waiting';
