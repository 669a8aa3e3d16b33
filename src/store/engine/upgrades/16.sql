-- From schema 15 to 16: API keys that are bound to a reseller, and the events that such a key is told of.

ALTER TABLE api_keys ADD COLUMN reseller_id INTEGER REFERENCES resellers (id);
CREATE INDEX api_keys_reseller ON api_keys (reseller_id) WHERE reseller_id IS NOT NULL;
ALTER TABLE events ADD COLUMN reseller_id INTEGER;
