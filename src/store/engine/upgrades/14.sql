-- From schema 13 to 14: runs of long work that somebody has started.

CREATE TABLE job_runs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    job        TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    done       INTEGER NOT NULL DEFAULT 0,
    meant      INTEGER NOT NULL,
    why        TEXT    NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    ended_at   INTEGER,
    updated_at INTEGER NOT NULL
) STRICT;
