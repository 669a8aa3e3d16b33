-- From schema 20 to 21: signing in to the panel by OpenID Connect.

ALTER TABLE settings ADD COLUMN oidc_issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE settings ADD COLUMN oidc_client_id TEXT NOT NULL DEFAULT '';
ALTER TABLE settings ADD COLUMN oidc_client_secret TEXT NOT NULL DEFAULT '';
ALTER TABLE settings ADD COLUMN oidc_claim TEXT NOT NULL DEFAULT '';

CREATE TABLE administrator_identities (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    admin_id     INTEGER NOT NULL REFERENCES administrators (id) ON DELETE CASCADE,
    issuer       TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    account      TEXT    NOT NULL DEFAULT '',
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    UNIQUE (issuer, subject)
) STRICT;
CREATE INDEX administrator_identities_admin ON administrator_identities (admin_id);
