-- `api_key` as a parameter is the key of the caller: a filter by the name of a key needs another name.
ALTER TABLE api_log RENAME COLUMN api_key TO key_name;
