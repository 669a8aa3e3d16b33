-- From schema 11 to 12: batches, which change many lines or MAGs and can be undone.

CREATE TABLE batches (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    resource   TEXT    NOT NULL,
    action     TEXT    NOT NULL CHECK (action IN ('update', 'extend', 'delete')),
    edit       TEXT    NOT NULL,
    state      TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'stopped', 'undone')),
    why        TEXT    NOT NULL DEFAULT '',
    actor_kind TEXT    NOT NULL CHECK (actor_kind IN ('api_key', 'administrator')),
    actor_id   INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    address    TEXT,
    meant      INTEGER NOT NULL,
    done       INTEGER NOT NULL DEFAULT 0,
    failed     INTEGER NOT NULL DEFAULT 0,
    undone     INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    ended_at   INTEGER,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX batches_open ON batches (id) WHERE state IN ('waiting', 'running');

CREATE TABLE batch_pieces (
    batch_id INTEGER NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
    piece    INTEGER NOT NULL,
    meant    TEXT    NOT NULL,
    PRIMARY KEY (batch_id, piece)
) STRICT;

CREATE TABLE batch_rows (
    batch_id    INTEGER NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
    row_id      INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    outcome     TEXT    NOT NULL CHECK (outcome IN ('done', 'failed', 'undone', 'kept')),
    why         TEXT    NOT NULL DEFAULT '',
    before      TEXT    NOT NULL DEFAULT '',
    changed_at  INTEGER,
    reseller_id INTEGER,
    credits     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (batch_id, row_id)
) STRICT;
CREATE INDEX batch_rows_why ON batch_rows (batch_id, outcome, row_id) WHERE why <> '';
