-- The whole schema of Linecard's one database: what a new file gets, and the one place where
-- defaults stand. A column that is NOT NULL and has no DEFAULT must be given by the caller.
-- A change here is a new version: it comes with an upgrade in src/store/engine/upgrades/, named in
-- src/store/engine/schema.rs.
--
-- Conventions: times are unix seconds and NULL is "none"; flags are 1 or 0; lists of plain values
-- are JSON arrays of texts; lists of other rows are tables of their own, ordered by `place`.
-- AUTOINCREMENT where ids are known outside, so that the id of a deleted row never comes back.

-- General Settings: one row.
CREATE TABLE settings (
    id                   INTEGER PRIMARY KEY CHECK (id = 1),
    operator_name        TEXT    NOT NULL DEFAULT '',
    public_url           TEXT    NOT NULL DEFAULT '',
    panel_url            TEXT    NOT NULL DEFAULT '',
    hsts                 INTEGER NOT NULL DEFAULT 0   CHECK (hsts IN (0, 1)),
    time_zone            TEXT    NOT NULL DEFAULT 'UTC',
    connection_policy    TEXT    NOT NULL DEFAULT 'kick_oldest' CHECK (connection_policy IN ('kick_oldest', 'refuse')),
    connections_per_address INTEGER NOT NULL DEFAULT 2000 CHECK (connections_per_address >= 0),
    failure_limit        INTEGER NOT NULL DEFAULT 20  CHECK (failure_limit >= 0),
    failure_window       INTEGER NOT NULL DEFAULT 300 CHECK (failure_window > 0),
    block_seconds        INTEGER NOT NULL DEFAULT 600 CHECK (block_seconds > 0),
    audit_retention_days INTEGER NOT NULL DEFAULT 365 CHECK (audit_retention_days >= 0),
    error_retention_days INTEGER NOT NULL DEFAULT 31  CHECK (error_retention_days >= 0),
    login_retention_days INTEGER NOT NULL DEFAULT 31  CHECK (login_retention_days >= 0),
    connection_retention_days INTEGER NOT NULL DEFAULT 31 CHECK (connection_retention_days >= 0),
    refusal_retention_days    INTEGER NOT NULL DEFAULT 31 CHECK (refusal_retention_days >= 0),
    api_retention_days   INTEGER NOT NULL DEFAULT 7   CHECK (api_retention_days >= 0),
    event_retention_days INTEGER NOT NULL DEFAULT 30  CHECK (event_retention_days >= 0),
    expiring_days        TEXT    NOT NULL DEFAULT '7,1',
    catchup_minutes_before INTEGER NOT NULL DEFAULT 0 CHECK (catchup_minutes_before >= 0),
    catchup_minutes_after  INTEGER NOT NULL DEFAULT 0 CHECK (catchup_minutes_after >= 0),
    mag_login_required   INTEGER NOT NULL DEFAULT 0   CHECK (mag_login_required IN (0, 1)),
    mag_oui_check        INTEGER NOT NULL DEFAULT 0   CHECK (mag_oui_check IN (0, 1)),
    refuse_zero_expiry        INTEGER NOT NULL DEFAULT 0 CHECK (refuse_zero_expiry IN (0, 1)),
    guide_past_days      INTEGER NOT NULL DEFAULT 1   CHECK (guide_past_days >= 0),
    guide_future_days    INTEGER NOT NULL DEFAULT 7   CHECK (guide_future_days >= 0),
    fetch_local          INTEGER NOT NULL DEFAULT 0   CHECK (fetch_local IN (0, 1)),
    archive_limit_bytes     INTEGER NOT NULL DEFAULT 0 CHECK (archive_limit_bytes >= 0),
    archive_keep_free_bytes INTEGER NOT NULL DEFAULT 5000000000 CHECK (archive_keep_free_bytes >= 0),
    classic_api          INTEGER NOT NULL DEFAULT 0   CHECK (classic_api IN (0, 1)),
    classic_api_allow    TEXT    NOT NULL DEFAULT '[]',
    classic_api_password TEXT    NOT NULL DEFAULT '',   -- sealed
    metrics_allow        TEXT    NOT NULL DEFAULT '[]',
    smtp_url             TEXT    NOT NULL DEFAULT '',   -- sealed
    mail_from            TEXT    NOT NULL DEFAULT '',
    alert_emails         TEXT    NOT NULL DEFAULT '[]',
    quiet_from           TEXT    NOT NULL DEFAULT '',
    quiet_to             TEXT    NOT NULL DEFAULT '',
    backup_hour          INTEGER NOT NULL DEFAULT 3   CHECK (backup_hour BETWEEN 0 AND 23),
    backup_keep_daily    INTEGER NOT NULL DEFAULT 7   CHECK (backup_keep_daily >= 0),
    backup_keep_weekly   INTEGER NOT NULL DEFAULT 4   CHECK (backup_keep_weekly >= 0),
    backup_keep_monthly  INTEGER NOT NULL DEFAULT 6   CHECK (backup_keep_monthly >= 0),
    backup_target        TEXT    NOT NULL DEFAULT '',   -- sealed
    backup_recipient     TEXT    NOT NULL DEFAULT '',
    oidc_issuer          TEXT    NOT NULL DEFAULT '',
    oidc_client_id       TEXT    NOT NULL DEFAULT '',
    oidc_client_secret   TEXT    NOT NULL DEFAULT '',   -- sealed
    oidc_claim           TEXT    NOT NULL DEFAULT '',
    created_at           INTEGER NOT NULL,
    updated_at           INTEGER NOT NULL
) STRICT;

-- General Settings -> API Settings: who may call the Server API from where.
CREATE TABLE api_whitelist (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    address    TEXT    NOT NULL UNIQUE,            -- one address or a CIDR range
    note       TEXT    NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE api_keys (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    hash         TEXT    NOT NULL UNIQUE,             -- SHA-256 of the key, hexadecimal
    scope        TEXT    NOT NULL DEFAULT '["full"]',
    addresses    TEXT    NOT NULL DEFAULT '[]',
    expires_at   INTEGER,
    reseller_id  INTEGER REFERENCES resellers (id),   -- to whose own it is confined
    last_used_at INTEGER,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX api_keys_reseller ON api_keys (reseller_id) WHERE reseller_id IS NOT NULL;

-- Answers of calls that came with an Idempotency-Key, kept for 24 hours.
CREATE TABLE idempotency (
    api_key_id  INTEGER NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    key         BLOB    NOT NULL,                  -- SHA-256 of the header
    fingerprint BLOB    NOT NULL,                  -- SHA-256 of the call and its fields
    answer      TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (api_key_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_created_at ON idempotency (created_at);

-- Groups 1 (Administrators) and 2 (Resellers) are made on first start and stay.
CREATE TABLE groups (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    rights     TEXT    NOT NULL DEFAULT '[]',
    require_2fa INTEGER NOT NULL DEFAULT 0 CHECK (require_2fa IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE resellers (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    name                    TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    max_allowed_connections INTEGER NOT NULL DEFAULT 0 CHECK (max_allowed_connections >= 0),
    use_credits             INTEGER NOT NULL DEFAULT 0 CHECK (use_credits IN (0, 1)),
    credits                 INTEGER NOT NULL DEFAULT 0 CHECK (credits >= 0),
    trials_per_day          INTEGER DEFAULT 10 CHECK (trials_per_day >= 0),   -- none is no limit
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL
) STRICT;

-- How many trials a reseller's people have sold on the last day on which they sold one.
CREATE TABLE trial_sales (
    reseller_id INTEGER PRIMARY KEY REFERENCES resellers (id) ON DELETE CASCADE,
    day         INTEGER NOT NULL,                  -- its first second
    sold        INTEGER NOT NULL
) STRICT;

-- Every movement of a reseller's credits. A balance is the sum of its rows here: `linecard check`.
-- Rows outlive the reseller, hence no foreign key.
CREATE TABLE ledger (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    reseller_id INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    amount      INTEGER NOT NULL CHECK (amount <> 0),
    balance     INTEGER NOT NULL CHECK (balance >= 0),   -- after this row
    reason      TEXT    NOT NULL,
    actor       TEXT    NOT NULL,
    line_id     INTEGER,
    mag_id      INTEGER,
    plan_id     INTEGER,
    note        TEXT    NOT NULL DEFAULT '',       -- in the words of whoever moved it
    slip        TEXT                               -- SHA-256 of the slip of the form that booked it: it books once
) STRICT;
CREATE INDEX ledger_reseller ON ledger (reseller_id, id);
CREATE INDEX ledger_sales ON ledger (at, reseller_id, amount) WHERE reason IN ('sale', 'extension');
CREATE UNIQUE INDEX ledger_slip ON ledger (slip) WHERE slip IS NOT NULL;

CREATE TABLE administrators (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    username      TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    password      TEXT    NOT NULL,                -- argon2id, PHC form
    email         TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    group_id      INTEGER NOT NULL REFERENCES groups (id),
    reseller_id   INTEGER REFERENCES resellers (id),
    disabled      INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    last_login_at INTEGER,
    must_change_password INTEGER NOT NULL DEFAULT 0 CHECK (must_change_password IN (0, 1)),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX administrators_group ON administrators (group_id);
CREATE INDEX administrators_reseller ON administrators (reseller_id) WHERE reseller_id IS NOT NULL;

-- Administrators with a second factor: an app that shows codes.
CREATE TABLE second_factors (
    admin_id   INTEGER PRIMARY KEY REFERENCES administrators (id) ON DELETE CASCADE,
    secret     TEXT    NOT NULL,                     -- sealed
    used_step  INTEGER NOT NULL,                     -- of the code that was used last: none up to it counts
    created_at INTEGER NOT NULL
) STRICT;

-- What signs in in place of the app, each once.
CREATE TABLE recovery_codes (
    admin_id INTEGER NOT NULL REFERENCES administrators (id) ON DELETE CASCADE,
    hash     TEXT    NOT NULL,                       -- SHA-256 of the code, hexadecimal
    PRIMARY KEY (admin_id, hash)
) STRICT, WITHOUT ROWID;

-- Links by which somebody who has forgotten the password sets a new one. The link holds the token, the database only its hash.
CREATE TABLE password_links (
    hash     TEXT    PRIMARY KEY,                    -- SHA-256 of the token, hexadecimal
    admin_id INTEGER NOT NULL REFERENCES administrators (id) ON DELETE CASCADE,
    at       INTEGER NOT NULL                        -- when it was made
) STRICT, WITHOUT ROWID;
CREATE INDEX password_links_admin ON password_links (admin_id, at);

-- Who is signed in to the panel. The browser holds the token, the database only its hash.
CREATE TABLE panel_sessions (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    hash         TEXT    NOT NULL UNIQUE,          -- SHA-256 of the token, hexadecimal
    admin_id     INTEGER NOT NULL REFERENCES administrators (id) ON DELETE CASCADE,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    address      TEXT    NOT NULL,
    user_agent   TEXT    NOT NULL
) STRICT;
CREATE INDEX panel_sessions_admin ON panel_sessions (admin_id);

-- Browsers in which administrators signed in before. The browser holds the token, the database only its hash.
CREATE TABLE panel_browsers (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    hash     TEXT    NOT NULL UNIQUE,              -- SHA-256 of the token, hexadecimal
    admin_id INTEGER NOT NULL REFERENCES administrators (id) ON DELETE CASCADE,
    at       INTEGER NOT NULL                      -- of the last sign-in
) STRICT;
CREATE INDEX panel_browsers_admin ON panel_browsers (admin_id);

-- Accounts at OpenID Connect providers with which administrators sign in.
CREATE TABLE administrator_identities (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    admin_id     INTEGER NOT NULL REFERENCES administrators (id) ON DELETE CASCADE,
    issuer       TEXT    NOT NULL,
    subject      TEXT    NOT NULL,                 -- the account, as its provider knows it
    account      TEXT    NOT NULL DEFAULT '',      -- the same, as people know it
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    UNIQUE (issuer, subject)
) STRICT;
CREATE INDEX administrator_identities_admin ON administrator_identities (admin_id);

-- Server 1 is the main server, every other one a load balancer.
CREATE TABLE servers (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    server_ip  TEXT    NOT NULL,
    vpn_ip     TEXT    NOT NULL DEFAULT '',
    http_port  INTEGER NOT NULL DEFAULT 8080 CHECK (http_port BETWEEN 1 AND 65535),
    notes      TEXT    NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE categories (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    position   INTEGER NOT NULL DEFAULT 0,
    censored   INTEGER NOT NULL DEFAULT 0 CHECK (censored IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE streams (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    name           TEXT    NOT NULL,
    category_id    INTEGER REFERENCES categories (id),
    server_id      INTEGER DEFAULT 1 REFERENCES servers (id),
    sources        TEXT    NOT NULL DEFAULT '[]',
    user_agent     TEXT    NOT NULL DEFAULT '',
    headers        TEXT    NOT NULL DEFAULT '[]',
    tls_verify     INTEGER NOT NULL DEFAULT 1 CHECK (tls_verify IN (0, 1)),
    logo_url       TEXT    NOT NULL DEFAULT '',
    epg_channel_id TEXT    NOT NULL DEFAULT '',
    epg_shift_minutes INTEGER NOT NULL DEFAULT 0 CHECK (epg_shift_minutes BETWEEN -1440 AND 1440),
    number         INTEGER NOT NULL DEFAULT 0,
    on_demand      INTEGER NOT NULL DEFAULT 0 CHECK (on_demand IN (0, 1)),
    enabled        INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    audio_to_aac   INTEGER NOT NULL DEFAULT 0 CHECK (audio_to_aac IN (0, 1)),
    at_end         TEXT    NOT NULL DEFAULT 'loop' CHECK (at_end IN ('loop', 'stop')),
    archive_days   INTEGER NOT NULL DEFAULT 0 CHECK (archive_days BETWEEN 0 AND 31),
    notes          TEXT    NOT NULL DEFAULT '',
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX streams_category ON streams (category_id) WHERE category_id IS NOT NULL;
CREATE INDEX streams_server ON streams (server_id) WHERE server_id IS NOT NULL;

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

CREATE TABLE bouquets (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    position   INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE bouquet_streams (
    bouquet_id INTEGER NOT NULL REFERENCES bouquets (id) ON DELETE CASCADE,
    place      INTEGER NOT NULL,
    stream_id  INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    PRIMARY KEY (bouquet_id, place),
    UNIQUE (stream_id, bouquet_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE subscription_plans (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    name                    TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    duration                INTEGER NOT NULL DEFAULT 1 CHECK (duration > 0),
    duration_unit           TEXT    NOT NULL DEFAULT 'month' CHECK (duration_unit IN ('hour', 'day', 'month', 'year')),
    max_allowed_connections INTEGER NOT NULL DEFAULT 1 CHECK (max_allowed_connections >= 0),
    catchup                 INTEGER NOT NULL DEFAULT 1 CHECK (catchup IN (0, 1)),
    credits                 INTEGER NOT NULL DEFAULT 0 CHECK (credits >= 0),
    is_trial                INTEGER NOT NULL DEFAULT 0 CHECK (is_trial IN (0, 1)),
    position                INTEGER NOT NULL DEFAULT 0,
    for_resellers           INTEGER NOT NULL DEFAULT 0 CHECK (for_resellers IN (0, 1)),   -- a new one's depends on its price
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL
) STRICT;

CREATE TABLE plan_bouquets (
    plan_id    INTEGER NOT NULL REFERENCES subscription_plans (id) ON DELETE CASCADE,
    place      INTEGER NOT NULL,
    bouquet_id INTEGER NOT NULL REFERENCES bouquets (id) ON DELETE CASCADE,
    PRIMARY KEY (plan_id, place),
    UNIQUE (bouquet_id, plan_id)
) STRICT, WITHOUT ROWID;

-- Lines and MAGs share the columns from max_allowed_connections to notes.
CREATE TABLE lines (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    username                TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    password                TEXT    NOT NULL,
    token                   TEXT,                  -- stands for username and password in addresses
    restreamer              INTEGER NOT NULL DEFAULT 0 CHECK (restreamer IN (0, 1)),
    max_allowed_connections INTEGER NOT NULL DEFAULT 1 CHECK (max_allowed_connections >= 0),
    expire_date             INTEGER,
    subscription_plan_id    INTEGER REFERENCES subscription_plans (id),
    reseller_id             INTEGER REFERENCES resellers (id),
    disabled                INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    banned                  INTEGER NOT NULL DEFAULT 0 CHECK (banned IN (0, 1)),
    allowed_ips             TEXT    NOT NULL DEFAULT '[]',
    allowed_user_agents     TEXT    NOT NULL DEFAULT '[]',
    allowed_outputs         TEXT    NOT NULL DEFAULT '[]',
    catchup                 INTEGER NOT NULL DEFAULT 1 CHECK (catchup IN (0, 1)),
    server_id               INTEGER REFERENCES servers (id),
    isp_lock                INTEGER NOT NULL DEFAULT 0 CHECK (isp_lock IN (0, 1)),
    isp_asn                 INTEGER,               -- the autonomous system that isp_lock binds to
    is_trial                INTEGER NOT NULL DEFAULT 0 CHECK (is_trial IN (0, 1)),
    reference               TEXT    NOT NULL DEFAULT '',   -- the caller's own number; unique among lines and MAGs
    email                   TEXT    NOT NULL DEFAULT '',
    reminders               INTEGER NOT NULL DEFAULT 1 CHECK (reminders IN (0, 1)),
    notes                   TEXT    NOT NULL DEFAULT '',
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX lines_token ON lines (token) WHERE token IS NOT NULL;
CREATE INDEX lines_reseller ON lines (reseller_id, max_allowed_connections) WHERE reseller_id IS NOT NULL;
CREATE INDEX lines_plan ON lines (subscription_plan_id) WHERE subscription_plan_id IS NOT NULL;
CREATE INDEX lines_server ON lines (server_id) WHERE server_id IS NOT NULL;
CREATE INDEX lines_updated_at ON lines (updated_at);
-- None is after every end: a list by end is one range. All that the dashboard counts stands in the index.
CREATE INDEX lines_end ON lines (ifnull(expire_date, 253402300800), banned, disabled, is_trial, reseller_id);
CREATE INDEX lines_disabled ON lines (disabled) WHERE disabled = 1;
CREATE INDEX lines_banned ON lines (banned) WHERE banned = 1;
CREATE INDEX lines_trial ON lines (is_trial) WHERE is_trial = 1;
CREATE UNIQUE INDEX lines_reference ON lines (reference) WHERE reference <> '';
CREATE INDEX lines_email ON lines (email) WHERE email <> '';
CREATE INDEX lines_notes ON lines (notes) WHERE notes <> '';            -- a search reads this instead of every row

CREATE TABLE line_bouquets (
    line_id    INTEGER NOT NULL REFERENCES lines (id) ON DELETE CASCADE,
    place      INTEGER NOT NULL,
    bouquet_id INTEGER NOT NULL REFERENCES bouquets (id) ON DELETE CASCADE,
    PRIMARY KEY (line_id, place),
    UNIQUE (bouquet_id, line_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE mags (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    mac_address             TEXT    NOT NULL UNIQUE,     -- upper-case with colons
    login                   TEXT    NOT NULL DEFAULT '',
    password                TEXT    NOT NULL DEFAULT '',
    lock_device             INTEGER NOT NULL DEFAULT 1 CHECK (lock_device IN (0, 1)),
    max_allowed_connections INTEGER NOT NULL DEFAULT 1 CHECK (max_allowed_connections >= 0),
    expire_date             INTEGER,
    subscription_plan_id    INTEGER REFERENCES subscription_plans (id),
    reseller_id             INTEGER REFERENCES resellers (id),
    disabled                INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    banned                  INTEGER NOT NULL DEFAULT 0 CHECK (banned IN (0, 1)),
    allowed_ips             TEXT    NOT NULL DEFAULT '[]',
    allowed_user_agents     TEXT    NOT NULL DEFAULT '[]',
    allowed_outputs         TEXT    NOT NULL DEFAULT '[]',
    catchup                 INTEGER NOT NULL DEFAULT 1 CHECK (catchup IN (0, 1)),
    server_id               INTEGER REFERENCES servers (id),
    isp_lock                INTEGER NOT NULL DEFAULT 0 CHECK (isp_lock IN (0, 1)),
    isp_asn                 INTEGER,               -- the autonomous system that isp_lock binds to
    is_trial                INTEGER NOT NULL DEFAULT 0 CHECK (is_trial IN (0, 1)),
    reference               TEXT    NOT NULL DEFAULT '',   -- the caller's own number; unique among lines and MAGs
    email                   TEXT    NOT NULL DEFAULT '',
    reminders               INTEGER NOT NULL DEFAULT 1 CHECK (reminders IN (0, 1)),
    notes                   TEXT    NOT NULL DEFAULT '',
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL
) STRICT;
CREATE INDEX mags_reseller ON mags (reseller_id, max_allowed_connections) WHERE reseller_id IS NOT NULL;
CREATE INDEX mags_plan ON mags (subscription_plan_id) WHERE subscription_plan_id IS NOT NULL;
CREATE INDEX mags_server ON mags (server_id) WHERE server_id IS NOT NULL;
CREATE INDEX mags_updated_at ON mags (updated_at);
CREATE INDEX mags_end ON mags (ifnull(expire_date, 253402300800), banned, disabled, is_trial, reseller_id);
CREATE INDEX mags_disabled ON mags (disabled) WHERE disabled = 1;
CREATE INDEX mags_banned ON mags (banned) WHERE banned = 1;
CREATE INDEX mags_trial ON mags (is_trial) WHERE is_trial = 1;
CREATE UNIQUE INDEX mags_reference ON mags (reference) WHERE reference <> '';
CREATE INDEX mags_email ON mags (email) WHERE email <> '';
CREATE INDEX mags_notes ON mags (notes) WHERE notes <> '';            -- a search reads this instead of every row

CREATE TABLE mag_bouquets (
    mag_id     INTEGER NOT NULL REFERENCES mags (id) ON DELETE CASCADE,
    place      INTEGER NOT NULL,
    bouquet_id INTEGER NOT NULL REFERENCES bouquets (id) ON DELETE CASCADE,
    PRIMARY KEY (mag_id, place),
    UNIQUE (bouquet_id, mag_id)
) STRICT, WITHOUT ROWID;

-- What the box of a MAG has told, and what is kept for it. Every MAG has its row.
CREATE TABLE mag_devices (
    mag_id          INTEGER PRIMARY KEY REFERENCES mags (id) ON DELETE CASCADE,
    parent_pin      TEXT    NOT NULL DEFAULT (printf('%04d', 1 + abs(random() % 9999))),   -- never 0000
    token_hash      TEXT    NOT NULL DEFAULT '',   -- SHA-256 of the token of the one box that is let in
    signed_in       INTEGER NOT NULL DEFAULT 0 CHECK (signed_in IN (0, 1)),   -- that box sent login and password
    cut             INTEGER NOT NULL DEFAULT 0 CHECK (cut IN (0, 1)),         -- that box was told to show nothing
    device_id       TEXT    NOT NULL DEFAULT '',   -- what lock_device binds to
    device_id2      TEXT    NOT NULL DEFAULT '',
    model           TEXT    NOT NULL DEFAULT '',
    firmware        TEXT    NOT NULL DEFAULT '',
    hardware        TEXT    NOT NULL DEFAULT '',
    serial          TEXT    NOT NULL DEFAULT '',
    address         TEXT    NOT NULL DEFAULT '',
    user_agent      TEXT    NOT NULL DEFAULT '',
    first_seen_at   INTEGER,
    last_seen_at    INTEGER,
    last_channel_id INTEGER                        -- the stream may be gone
) STRICT;
CREATE TRIGGER mags_have_devices AFTER INSERT ON mags BEGIN INSERT INTO mag_devices (mag_id) VALUES (NEW.id); END;

CREATE TABLE mag_favourites (
    mag_id    INTEGER NOT NULL REFERENCES mags (id) ON DELETE CASCADE,
    place     INTEGER NOT NULL,
    stream_id INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    PRIMARY KEY (mag_id, place),
    UNIQUE (stream_id, mag_id)
) STRICT, WITHOUT ROWID;

-- What boxes are to be told when they next ask. A row goes when it was told, a message when it was read.
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

-- One change of many lines or MAGs, done piece by piece.
CREATE TABLE batches (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    resource   TEXT    NOT NULL,
    action     TEXT    NOT NULL CHECK (action IN ('update', 'extend', 'delete')),
    edit       TEXT    NOT NULL,                  -- what is done to each row, as JSON
    state      TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'stopped', 'undone')),
    why        TEXT    NOT NULL DEFAULT '',       -- why it ended early
    actor_kind TEXT    NOT NULL CHECK (actor_kind IN ('api_key', 'administrator')),
    actor_id   INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    address    TEXT,
    meant      INTEGER NOT NULL,                  -- rows in all
    done       INTEGER NOT NULL DEFAULT 0,
    failed     INTEGER NOT NULL DEFAULT 0,
    undone     INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    ended_at   INTEGER,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX batches_open ON batches (id) WHERE state IN ('waiting', 'running');

-- What is left of it: rows by id, each with its updated_at if it is taken only as it was seen.
CREATE TABLE batch_pieces (
    batch_id INTEGER NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
    piece    INTEGER NOT NULL,
    meant    TEXT    NOT NULL,
    PRIMARY KEY (batch_id, piece)
) STRICT;

-- What it did to each row, until that can no longer be undone.
CREATE TABLE batch_rows (
    batch_id    INTEGER NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
    row_id      INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    outcome     TEXT    NOT NULL CHECK (outcome IN ('done', 'failed', 'undone', 'kept')),
    why         TEXT    NOT NULL DEFAULT '',
    before      TEXT    NOT NULL DEFAULT '',      -- the row as it was, as JSON
    changed_at  INTEGER,                          -- its updated_at after that
    reseller_id INTEGER,                          -- who paid
    credits     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (batch_id, row_id)
) STRICT;
CREATE INDEX batch_rows_why ON batch_rows (batch_id, outcome, row_id) WHERE why <> '';

-- Long work that somebody has started, such as the import of a channel list: how far it is, and how it ended.
CREATE TABLE job_runs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    job        TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    done       INTEGER NOT NULL DEFAULT 0,
    meant      INTEGER NOT NULL,                  -- how much there is in all
    why        TEXT    NOT NULL DEFAULT '',       -- why it ended early
    created_at INTEGER NOT NULL,
    ended_at   INTEGER,
    updated_at INTEGER NOT NULL
) STRICT;

-- How many lines and MAGs there are, so that `total` of a list need not count a million rows.
CREATE TABLE row_counts (
    name TEXT    PRIMARY KEY,
    rows INTEGER NOT NULL CHECK (rows >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO row_counts (name, rows) VALUES ('lines', 0), ('mags', 0);
CREATE TRIGGER lines_counted   AFTER INSERT ON lines BEGIN UPDATE row_counts SET rows = rows + 1 WHERE name = 'lines'; END;
CREATE TRIGGER lines_uncounted AFTER DELETE ON lines BEGIN UPDATE row_counts SET rows = rows - 1 WHERE name = 'lines'; END;
CREATE TRIGGER mags_counted    AFTER INSERT ON mags  BEGIN UPDATE row_counts SET rows = rows + 1 WHERE name = 'mags'; END;
CREATE TRIGGER mags_uncounted  AFTER DELETE ON mags  BEGIN UPDATE row_counts SET rows = rows - 1 WHERE name = 'mags'; END;

-- One row for every write, in the transaction of the write. Secrets are masked before they come here.
CREATE TABLE audit_log (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    actor_kind TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    address    TEXT,
    resource   TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    target_id  INTEGER,
    target     TEXT    NOT NULL DEFAULT '',        -- its name at that time
    before     TEXT    NOT NULL DEFAULT '{}',      -- the columns that changed, as a JSON object
    after      TEXT    NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX audit_log_target ON audit_log (resource, target_id);

-- LOGS -> Panel Error Log: every failed statement. `reference` is the id that the caller was told.
CREATE TABLE error_log (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    reference TEXT    NOT NULL UNIQUE,
    at        INTEGER NOT NULL,
    resource  TEXT    NOT NULL,
    action    TEXT    NOT NULL,
    actor     TEXT    NOT NULL,
    address   TEXT,
    error     TEXT    NOT NULL,                    -- what the caller was told
    detail    TEXT    NOT NULL                     -- the engine's own words
) STRICT;

-- Attempts to sign in to the panel, and wrong API keys from whitelisted addresses.
-- Rows of logs that were written while the clock was in doubt: their own times say nothing about their age.
CREATE TABLE doubted_rows (
    log      TEXT    NOT NULL,                     -- the name of the log
    after_id INTEGER NOT NULL,
    up_to_id INTEGER,                              -- empty as long as the clock is in doubt
    at       INTEGER,                              -- when the clock was trusted again: they count as from then
    PRIMARY KEY (log, after_id)
) STRICT;

CREATE TABLE login_log (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    face     TEXT    NOT NULL,                     -- panel, api or classic_api
    username TEXT    NOT NULL,
    address  TEXT,
    outcome  TEXT    NOT NULL
) STRICT;

-- Ended sessions. Rows outlive lines, MAGs and streams, hence no foreign keys.
CREATE TABLE connection_log (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,                   -- when it ended
    started_at INTEGER NOT NULL,
    line_id    INTEGER,
    mag_id     INTEGER,
    subscriber TEXT    NOT NULL,                   -- username or MAC at that time
    stream_id  INTEGER NOT NULL,
    stream     TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    user_agent TEXT    NOT NULL,
    kind       TEXT    NOT NULL DEFAULT 'live',    -- or archive
    container  TEXT    NOT NULL,                   -- ts or hls
    bytes_sent INTEGER NOT NULL,
    reason     TEXT    NOT NULL                    -- why it ended
) STRICT;
CREATE INDEX connection_log_line ON connection_log (line_id, id) WHERE line_id IS NOT NULL;
CREATE INDEX connection_log_mag ON connection_log (mag_id, id) WHERE mag_id IS NOT NULL;

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
    kind       TEXT    NOT NULL DEFAULT 'live',
    container  TEXT    NOT NULL,
    bytes_sent INTEGER NOT NULL
) STRICT;

-- When a server last ran by a clock that could be believed.
CREATE TABLE heartbeat (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;

-- Viewers who were turned away; without line and MAG when nobody knows the credentials.
CREATE TABLE refusal_log (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    line_id    INTEGER,
    mag_id     INTEGER,
    subscriber TEXT    NOT NULL,                   -- username or MAC as it was sent
    stream_id  INTEGER,
    kind       TEXT,                               -- of what was asked for: live or archive; none with no stream
    address    TEXT    NOT NULL,
    user_agent TEXT    NOT NULL,
    reason     TEXT    NOT NULL,                   -- in words
    code       TEXT                                -- one of docs/codes.md; none in rows from before schema 6
) STRICT;
CREATE INDEX refusal_log_line ON refusal_log (line_id, id) WHERE line_id IS NOT NULL;
CREATE INDEX refusal_log_mag ON refusal_log (mag_id, id) WHERE mag_id IS NOT NULL;

-- From where lines, MAGs and administrators were let in lately: a name that strangers guess at is not shut there.
CREATE TABLE let_in (
    kind    TEXT    NOT NULL CHECK (kind IN ('line', 'mag', 'administrator')),
    id      INTEGER NOT NULL,                      -- of that kind
    address TEXT    NOT NULL,                      -- a v4 address, or the beginning of a v6 /64
    at      INTEGER NOT NULL,                      -- last, to a few hours
    PRIMARY KEY (kind, id, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX let_in_at ON let_in (at);

-- Calls of the Server API, whatever became of them.
CREATE TABLE api_log (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    key_name TEXT    NOT NULL,
    address  TEXT    NOT NULL,
    resource TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    outcome  TEXT    NOT NULL,                     -- ok, or the refusal as it was answered
    micros   INTEGER NOT NULL                      -- how long it took
) STRICT;

-- How busy it was, once a minute: the dashboard's line over the last hours.
CREATE TABLE usage_samples (
    at             INTEGER PRIMARY KEY,            -- the first second of the minute
    viewers        INTEGER NOT NULL,
    streams_online INTEGER NOT NULL,
    sent_kbps      INTEGER NOT NULL
) STRICT;

-- What happened, for those who follow it, written in the transaction of what it tells. Rows outlive what they tell of.
CREATE TABLE events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    type        TEXT    NOT NULL,                  -- line.created
    at          INTEGER NOT NULL,
    resource    TEXT    NOT NULL,
    resource_id INTEGER,
    key         TEXT    NOT NULL,                  -- its name at that time
    reference   TEXT,                              -- the caller's own number of it
    reseller_id INTEGER,                           -- whose it was at that time
    actor       TEXT    NOT NULL,
    data        TEXT    NOT NULL,                  -- the columns that changed, before and after; secrets are masked
    omitted     TEXT    NOT NULL                   -- the columns that are too long to stand there
) STRICT;

-- Which log it is, so that somebody who follows it notices a restored database.
CREATE TABLE event_log (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    log_id       TEXT    NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    forgotten_id INTEGER NOT NULL DEFAULT 0,       -- the newest event that was deleted for its age
    messages_to  INTEGER NOT NULL DEFAULT 0        -- of what came before, all is in messages or nobody is to be told
) STRICT;
INSERT INTO event_log (id) VALUES (1);

-- Up to which end of lines and MAGs events have told, so many days before it; 0 tells of the end itself.
CREATE TABLE end_events (
    resource TEXT    NOT NULL,
    days     INTEGER NOT NULL,
    told_to  INTEGER NOT NULL,                     -- an end
    told_id  INTEGER NOT NULL,                     -- and which of those with that end
    PRIMARY KEY (resource, days)
) STRICT, WITHOUT ROWID;

-- Addresses that are told of events. What is sent writes from told_to on and leaves updated_at alone.
CREATE TABLE webhooks (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    description    TEXT    NOT NULL DEFAULT '',
    url            TEXT    NOT NULL,
    types          TEXT    NOT NULL DEFAULT '[]',
    enabled        INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    with_passwords INTEGER NOT NULL DEFAULT 0 CHECK (with_passwords IN (0, 1)),
    secret           TEXT    NOT NULL DEFAULT '',  -- sealed with the key beside the database
    old_secret       TEXT,
    old_secret_until INTEGER,
    told_to          INTEGER NOT NULL DEFAULT 0,   -- of what came before, all is in webhook_deliveries or was not wanted
    failures         INTEGER NOT NULL DEFAULT 0,   -- in a row
    failing_since    INTEGER,
    resume_at        INTEGER,
    last_try_at      INTEGER,
    last_success_at  INTEGER,
    last_error       TEXT    NOT NULL DEFAULT '',
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;

-- What was sent to webhooks, and what waits to be sent again.
CREATE TABLE webhook_deliveries (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id   INTEGER NOT NULL,
    type       TEXT    NOT NULL,
    object     TEXT    NOT NULL,                   -- events of one keep their order
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

-- Addresses that messages about events are sent to by HTTP. What is sent writes from resume_at on and leaves updated_at alone.
CREATE TABLE message_targets (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    method          TEXT    NOT NULL DEFAULT 'POST' CHECK (method IN ('GET', 'POST')),
    url             TEXT    NOT NULL DEFAULT '',   -- sealed
    headers         TEXT    NOT NULL DEFAULT '',   -- sealed, as a JSON list
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

-- What people are told: what waits, and what was sent. Rows outlive what they tell of.
CREATE TABLE messages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id   INTEGER,                            -- none: a test
    type       TEXT    NOT NULL,                   -- of that event
    object     TEXT    NOT NULL,                   -- what it is about
    key        TEXT    NOT NULL,                   -- its name at that time
    reference  TEXT,                               -- the caller's own number of it
    at         INTEGER NOT NULL,                   -- when it happened
    ends_at    INTEGER,                            -- of a reminder: the end that it tells of
    way        TEXT    NOT NULL CHECK (way IN ('email', 'http', 'box')),
    receiver   TEXT    NOT NULL,                   -- an e-mail address, a MAC address, the name of a target
    target_id  INTEGER REFERENCES message_targets (id) ON DELETE CASCADE,
    subject    TEXT    NOT NULL,
    text       TEXT    NOT NULL,
    state      TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'failed', 'dropped')),
    bundle     INTEGER,                            -- the first one of those that are sent as one
    again      INTEGER NOT NULL DEFAULT 0,         -- how often somebody had it sent once more
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

-- Backups in the folder backups: what is known of each file, and what is to be made. The files are the backups.
CREATE TABLE backups (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL UNIQUE,            -- of its file
    kind          TEXT    NOT NULL CHECK (kind IN ('schedule', 'person', 'upgrade', 'file')),
    actor         TEXT    NOT NULL DEFAULT '',
    state         TEXT    NOT NULL CHECK (state IN ('waiting', 'running', 'made', 'failed', 'missing')),
    bytes         INTEGER NOT NULL DEFAULT 0,
    error         TEXT    NOT NULL DEFAULT '',        -- why it could not be made
    attempts      INTEGER NOT NULL DEFAULT 0,
    made_at       INTEGER,
    wants_verify  INTEGER NOT NULL DEFAULT 0 CHECK (wants_verify IN (0, 1)),
    verified_at   INTEGER,
    verify_error  TEXT    NOT NULL DEFAULT '',
    next_send_at  INTEGER,                            -- none: it is not to be sent
    send_attempts INTEGER NOT NULL DEFAULT 0,
    sent_at       INTEGER,
    sent_to       TEXT    NOT NULL DEFAULT '',
    send_error    TEXT    NOT NULL DEFAULT '',
    encrypted     INTEGER NOT NULL DEFAULT 0 CHECK (encrypted IN (0, 1)),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;
