-- From schema 1 to 2: sessions, refusals, and what viewers are admitted by.
ALTER TABLE settings ADD COLUMN public_url TEXT NOT NULL DEFAULT '';
ALTER TABLE settings ADD COLUMN connection_policy TEXT NOT NULL DEFAULT 'kick_oldest' CHECK (connection_policy IN ('kick_oldest', 'refuse'));
ALTER TABLE settings ADD COLUMN failure_limit INTEGER NOT NULL DEFAULT 20 CHECK (failure_limit >= 0);
ALTER TABLE settings ADD COLUMN failure_window INTEGER NOT NULL DEFAULT 300 CHECK (failure_window > 0);
ALTER TABLE settings ADD COLUMN block_seconds INTEGER NOT NULL DEFAULT 600 CHECK (block_seconds > 0);
ALTER TABLE settings ADD COLUMN connection_retention_days INTEGER NOT NULL DEFAULT 31 CHECK (connection_retention_days >= 0);
ALTER TABLE settings ADD COLUMN refusal_retention_days INTEGER NOT NULL DEFAULT 31 CHECK (refusal_retention_days >= 0);
ALTER TABLE servers ADD COLUMN http_port INTEGER NOT NULL DEFAULT 8080 CHECK (http_port BETWEEN 1 AND 65535);
ALTER TABLE lines ADD COLUMN allowed_outputs TEXT NOT NULL DEFAULT '[]';
ALTER TABLE lines ADD COLUMN isp_asn INTEGER;
ALTER TABLE mags ADD COLUMN allowed_outputs TEXT NOT NULL DEFAULT '[]';
ALTER TABLE mags ADD COLUMN isp_asn INTEGER;

CREATE TABLE connection_log (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    line_id    INTEGER,
    mag_id     INTEGER,
    subscriber TEXT    NOT NULL,
    stream_id  INTEGER NOT NULL,
    stream     TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    user_agent TEXT    NOT NULL,
    container  TEXT    NOT NULL,
    bytes_sent INTEGER NOT NULL,
    reason     TEXT    NOT NULL
) STRICT;
CREATE INDEX connection_log_line ON connection_log (line_id, id) WHERE line_id IS NOT NULL;
CREATE INDEX connection_log_mag ON connection_log (mag_id, id) WHERE mag_id IS NOT NULL;

CREATE TABLE refusal_log (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    line_id    INTEGER,
    mag_id     INTEGER,
    subscriber TEXT    NOT NULL,
    stream_id  INTEGER,
    address    TEXT    NOT NULL,
    user_agent TEXT    NOT NULL,
    reason     TEXT    NOT NULL
) STRICT;
CREATE INDEX refusal_log_line ON refusal_log (line_id, id) WHERE line_id IS NOT NULL;
CREATE INDEX refusal_log_mag ON refusal_log (mag_id, id) WHERE mag_id IS NOT NULL;
