-- From schema 6 to 7: the guide.

ALTER TABLE settings ADD COLUMN guide_past_days INTEGER NOT NULL DEFAULT 1 CHECK (guide_past_days >= 0);
ALTER TABLE settings ADD COLUMN guide_future_days INTEGER NOT NULL DEFAULT 7 CHECK (guide_future_days >= 0);
ALTER TABLE settings ADD COLUMN fetch_local INTEGER NOT NULL DEFAULT 0 CHECK (fetch_local IN (0, 1));
ALTER TABLE streams ADD COLUMN epg_shift_minutes INTEGER NOT NULL DEFAULT 0 CHECK (epg_shift_minutes BETWEEN -1440 AND 1440);

-- Where the programme guide comes from. What is fetched lies in guide.db (src/store/guide/schema.sql): it can be
-- fetched again. A refresh writes from last_try_at on and leaves updated_at alone.
CREATE TABLE guide_sources (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    url             TEXT    NOT NULL,
    position        INTEGER NOT NULL DEFAULT 0,
    refresh_hours   INTEGER NOT NULL DEFAULT 12 CHECK (refresh_hours >= 0),
    shift_minutes   INTEGER NOT NULL DEFAULT 0 CHECK (shift_minutes BETWEEN -1440 AND 1440),
    assumed_zone    TEXT    NOT NULL DEFAULT 'UTC',
    enabled         INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    last_try_at     INTEGER,
    last_success_at INTEGER,
    last_error      TEXT    NOT NULL DEFAULT '',   -- of the last try; empty if that went well
    channels        INTEGER NOT NULL DEFAULT 0,
    programmes      INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

-- Which channel of the guide belongs to a stream. What a person chose stays; a rule's rows are made anew.
CREATE TABLE guide_matches (
    stream_id  INTEGER PRIMARY KEY REFERENCES streams (id) ON DELETE CASCADE,
    source_id  INTEGER REFERENCES guide_sources (id) ON DELETE CASCADE,   -- none: it has no channel
    guide_id   TEXT    NOT NULL DEFAULT '',
    state      TEXT    NOT NULL CHECK (state IN ('matched', 'suggested', 'none')),
    score      INTEGER NOT NULL DEFAULT 0 CHECK (score BETWEEN 0 AND 100),
    chosen_by  TEXT    NOT NULL CHECK (chosen_by IN ('person', 'rule')),
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX guide_matches_source ON guide_matches (source_id) WHERE source_id IS NOT NULL;
