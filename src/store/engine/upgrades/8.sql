-- From schema 7 to 8: catch-up.

-- What is recorded, and how much of it is kept.
ALTER TABLE streams ADD COLUMN archive_days INTEGER NOT NULL DEFAULT 0 CHECK (archive_days BETWEEN 0 AND 31);
ALTER TABLE settings ADD COLUMN archive_limit_bytes INTEGER NOT NULL DEFAULT 0 CHECK (archive_limit_bytes >= 0);
ALTER TABLE settings ADD COLUMN archive_keep_free_bytes INTEGER NOT NULL DEFAULT 5000000000 CHECK (archive_keep_free_bytes >= 0);

-- Who may watch what is recorded.
ALTER TABLE subscription_plans ADD COLUMN catchup INTEGER NOT NULL DEFAULT 1 CHECK (catchup IN (0, 1));
ALTER TABLE lines ADD COLUMN catchup INTEGER NOT NULL DEFAULT 1 CHECK (catchup IN (0, 1));
ALTER TABLE mags ADD COLUMN catchup INTEGER NOT NULL DEFAULT 1 CHECK (catchup IN (0, 1));
ALTER TABLE settings ADD COLUMN catchup_minutes_before INTEGER NOT NULL DEFAULT 0 CHECK (catchup_minutes_before >= 0);
ALTER TABLE settings ADD COLUMN catchup_minutes_after INTEGER NOT NULL DEFAULT 0 CHECK (catchup_minutes_after >= 0);

-- What was watched: live or archive.
ALTER TABLE connection_log ADD COLUMN kind TEXT NOT NULL DEFAULT 'live';
ALTER TABLE open_sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'live';
ALTER TABLE refusal_log ADD COLUMN kind TEXT;
UPDATE refusal_log SET kind = 'live' WHERE stream_id IS NOT NULL;

-- Rows of logs that were written while the clock was in doubt.
CREATE TABLE doubted_rows (
    log      TEXT    NOT NULL,
    after_id INTEGER NOT NULL,
    up_to_id INTEGER,
    at       INTEGER,
    PRIMARY KEY (log, after_id)
) STRICT;
