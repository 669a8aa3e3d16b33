-- guide.db: what was fetched for the guide, and can be fetched again. A file of another version is made anew.

-- What each source last gave. The generation is the one that is seen; rows of others are on the way in or out.
CREATE TABLE sources (
    source_id     INTEGER PRIMARY KEY,       -- guide_sources.id of the main database
    generation    INTEGER NOT NULL,
    made_of       TEXT    NOT NULL,          -- how, and in a second line from where: past programmes that were read otherwise are not kept
    etag          TEXT    NOT NULL,          -- of the answer that it was read from
    last_modified TEXT    NOT NULL,
    read_at       INTEGER NOT NULL,
    ends_at       INTEGER NOT NULL           -- when the last programme is over; 0 if there is none
) STRICT;

CREATE TABLE channels (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    source_id  INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    guide_id   TEXT    NOT NULL,
    names      TEXT    NOT NULL,             -- a JSON array, as the source orders them
    wanted     INTEGER NOT NULL DEFAULT 0 CHECK (wanted IN (0, 1)),   -- its programmes are kept
    programmes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (source_id, generation, guide_id)
) STRICT;

CREATE TABLE programmes (
    channel_id  INTEGER NOT NULL,
    start       INTEGER NOT NULL,
    stop        INTEGER,                     -- none: until the next one begins
    title       TEXT    NOT NULL,
    subtitle    TEXT    NOT NULL,
    description TEXT    NOT NULL,
    category    TEXT    NOT NULL,
    PRIMARY KEY (channel_id, start)
) STRICT, WITHOUT ROWID;
