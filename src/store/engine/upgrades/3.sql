-- From schema 2 to 3: what the panel keeps; tokens of lines.
ALTER TABLE settings ADD COLUMN api_retention_days INTEGER NOT NULL DEFAULT 7 CHECK (api_retention_days >= 0);
ALTER TABLE ledger ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE administrators ADD COLUMN must_change_password INTEGER NOT NULL DEFAULT 0 CHECK (must_change_password IN (0, 1));

CREATE TABLE panel_sessions (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    hash         TEXT    NOT NULL UNIQUE,
    admin_id     INTEGER NOT NULL REFERENCES administrators (id) ON DELETE CASCADE,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    address      TEXT    NOT NULL,
    user_agent   TEXT    NOT NULL
) STRICT;
CREATE INDEX panel_sessions_admin ON panel_sessions (admin_id);

CREATE TABLE api_log (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    api_key  TEXT    NOT NULL,
    address  TEXT    NOT NULL,
    resource TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    outcome  TEXT    NOT NULL,
    micros   INTEGER NOT NULL
) STRICT;

CREATE TABLE usage_samples (
    at             INTEGER PRIMARY KEY,
    viewers        INTEGER NOT NULL,
    streams_online INTEGER NOT NULL,
    sent_kbps      INTEGER NOT NULL
) STRICT;

ALTER TABLE lines ADD COLUMN token TEXT;
CREATE UNIQUE INDEX lines_token ON lines (token) WHERE token IS NOT NULL;
-- Lists of lines and MAGs, by end and by state.
CREATE INDEX lines_end ON lines (ifnull(expire_date, 253402300800), banned, disabled, is_trial, reseller_id);
CREATE INDEX lines_disabled ON lines (disabled) WHERE disabled = 1;
CREATE INDEX lines_banned ON lines (banned) WHERE banned = 1;
CREATE INDEX lines_trial ON lines (is_trial) WHERE is_trial = 1;
CREATE INDEX lines_notes ON lines (notes) WHERE notes <> '';
CREATE INDEX mags_end ON mags (ifnull(expire_date, 253402300800), banned, disabled, is_trial, reseller_id);
CREATE INDEX mags_disabled ON mags (disabled) WHERE disabled = 1;
CREATE INDEX mags_banned ON mags (banned) WHERE banned = 1;
CREATE INDEX mags_trial ON mags (is_trial) WHERE is_trial = 1;
CREATE INDEX mags_notes ON mags (notes) WHERE notes <> '';
CREATE INDEX ledger_sales ON ledger (at, reseller_id, amount) WHERE reason IN ('sale', 'extension');
ALTER TABLE ledger ADD COLUMN slip TEXT;
CREATE UNIQUE INDEX ledger_slip ON ledger (slip) WHERE slip IS NOT NULL;
-- The boxes of MAGs.
ALTER TABLE settings ADD COLUMN mag_login_required INTEGER NOT NULL DEFAULT 0 CHECK (mag_login_required IN (0, 1));
ALTER TABLE settings ADD COLUMN mag_oui_check INTEGER NOT NULL DEFAULT 0 CHECK (mag_oui_check IN (0, 1));
ALTER TABLE categories ADD COLUMN censored INTEGER NOT NULL DEFAULT 0 CHECK (censored IN (0, 1));
ALTER TABLE mags ADD COLUMN login TEXT NOT NULL DEFAULT '';
ALTER TABLE mags ADD COLUMN password TEXT NOT NULL DEFAULT '';
ALTER TABLE mags ADD COLUMN lock_device INTEGER NOT NULL DEFAULT 1 CHECK (lock_device IN (0, 1));

CREATE TABLE mag_devices (
    mag_id          INTEGER PRIMARY KEY REFERENCES mags (id) ON DELETE CASCADE,
    parent_pin      TEXT    NOT NULL DEFAULT (printf('%04d', 1 + abs(random() % 9999))),
    token_hash      TEXT    NOT NULL DEFAULT '',
    signed_in       INTEGER NOT NULL DEFAULT 0 CHECK (signed_in IN (0, 1)),
    cut             INTEGER NOT NULL DEFAULT 0 CHECK (cut IN (0, 1)),
    device_id       TEXT    NOT NULL DEFAULT '',
    device_id2      TEXT    NOT NULL DEFAULT '',
    model           TEXT    NOT NULL DEFAULT '',
    firmware        TEXT    NOT NULL DEFAULT '',
    hardware        TEXT    NOT NULL DEFAULT '',
    serial          TEXT    NOT NULL DEFAULT '',
    address         TEXT    NOT NULL DEFAULT '',
    user_agent      TEXT    NOT NULL DEFAULT '',
    first_seen_at   INTEGER,
    last_seen_at    INTEGER,
    last_channel_id INTEGER
) STRICT;
CREATE TRIGGER mags_have_devices AFTER INSERT ON mags BEGIN INSERT INTO mag_devices (mag_id) VALUES (NEW.id); END;

CREATE TABLE mag_favourites (
    mag_id    INTEGER NOT NULL REFERENCES mags (id) ON DELETE CASCADE,
    place     INTEGER NOT NULL,
    stream_id INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    PRIMARY KEY (mag_id, place),
    UNIQUE (stream_id, mag_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE mag_events (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    mag_id            INTEGER NOT NULL REFERENCES mags (id) ON DELETE CASCADE,
    event             TEXT    NOT NULL,
    msg               TEXT    NOT NULL,
    param             TEXT    NOT NULL,
    reboot_after_ok   INTEGER NOT NULL CHECK (reboot_after_ok IN (0, 1)),
    auto_hide_timeout INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL
) STRICT;
CREATE INDEX mag_events_mag ON mag_events (mag_id, id);
INSERT INTO mag_devices (mag_id) SELECT id FROM mags;
