-- From schema 4 to 5: what attackers, faults and real lists asked for.

-- Settings.
ALTER TABLE settings ADD COLUMN connections_per_address INTEGER NOT NULL DEFAULT 2000 CHECK (connections_per_address >= 0);
ALTER TABLE settings ADD COLUMN refuse_zero_expiry INTEGER NOT NULL DEFAULT 0 CHECK (refuse_zero_expiry IN (0, 1));

-- Streams.
ALTER TABLE streams ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
ALTER TABLE streams ADD COLUMN headers TEXT NOT NULL DEFAULT '[]';
ALTER TABLE streams ADD COLUMN tls_verify INTEGER NOT NULL DEFAULT 1 CHECK (tls_verify IN (0, 1));
ALTER TABLE streams ADD COLUMN audio_to_aac INTEGER NOT NULL DEFAULT 0 CHECK (audio_to_aac IN (0, 1));
ALTER TABLE streams ADD COLUMN at_end TEXT NOT NULL DEFAULT 'loop' CHECK (at_end IN ('loop', 'stop'));

-- Plans and resellers. What a reseller has sold, it goes on selling.
ALTER TABLE subscription_plans ADD COLUMN for_resellers INTEGER NOT NULL DEFAULT 0 CHECK (for_resellers IN (0, 1));
UPDATE subscription_plans SET for_resellers = 1 WHERE credits > 0 OR is_trial = 1
    OR EXISTS (SELECT 1 FROM lines WHERE subscription_plan_id = subscription_plans.id AND reseller_id IS NOT NULL)
    OR EXISTS (SELECT 1 FROM mags WHERE subscription_plan_id = subscription_plans.id AND reseller_id IS NOT NULL);
ALTER TABLE resellers ADD COLUMN trials_per_day INTEGER DEFAULT 10 CHECK (trials_per_day >= 0);
CREATE TABLE trial_sales (
    reseller_id INTEGER PRIMARY KEY REFERENCES resellers (id) ON DELETE CASCADE,
    day         INTEGER NOT NULL,
    sold        INTEGER NOT NULL
) STRICT;

-- Lines, MAGs and who was let in.

-- From where lines, MAGs and administrators were let in lately: a name that strangers guess at is not shut there.
CREATE TABLE let_in (
    kind    TEXT    NOT NULL CHECK (kind IN ('line', 'mag', 'administrator')),
    id      INTEGER NOT NULL,                      -- of that kind
    address TEXT    NOT NULL,                      -- a v4 address, or the beginning of a v6 /64
    at      INTEGER NOT NULL,                      -- last, to a few hours
    PRIMARY KEY (kind, id, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX let_in_at ON let_in (at);

-- Administrators and their browsers.

-- Browsers in which administrators signed in before. The browser holds the token, the database only its hash.
CREATE TABLE panel_browsers (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    hash     TEXT    NOT NULL UNIQUE,              -- SHA-256 of the token, hexadecimal
    admin_id INTEGER NOT NULL REFERENCES administrators (id) ON DELETE CASCADE,
    at       INTEGER NOT NULL                      -- of the last sign-in
) STRICT;
CREATE INDEX panel_browsers_admin ON panel_browsers (admin_id);

-- Logs and open sessions.

-- Sessions that are open, written every few seconds: a start after a crash moves them into the connection log.
CREATE TABLE open_sessions (
    id         INTEGER PRIMARY KEY,
    started_at INTEGER NOT NULL,
    line_id    INTEGER,
    mag_id     INTEGER,
    subscriber TEXT    NOT NULL,
    stream_id  INTEGER NOT NULL,
    stream     TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    user_agent TEXT    NOT NULL,
    container  TEXT    NOT NULL,
    bytes_sent INTEGER NOT NULL
) STRICT;

-- When a server last ran by a clock that could be believed.
CREATE TABLE heartbeat (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;
