-- From schema 16 to 17: second factors of administrators, and links to new passwords.

ALTER TABLE groups ADD COLUMN require_2fa INTEGER NOT NULL DEFAULT 0 CHECK (require_2fa IN (0, 1));

CREATE TABLE second_factors (
    admin_id   INTEGER PRIMARY KEY REFERENCES administrators (id) ON DELETE CASCADE,
    secret     TEXT    NOT NULL,
    used_step  INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE recovery_codes (
    admin_id INTEGER NOT NULL REFERENCES administrators (id) ON DELETE CASCADE,
    hash     TEXT    NOT NULL,
    PRIMARY KEY (admin_id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE password_links (
    hash     TEXT    PRIMARY KEY,
    admin_id INTEGER NOT NULL REFERENCES administrators (id) ON DELETE CASCADE,
    at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX password_links_admin ON password_links (admin_id, at);
