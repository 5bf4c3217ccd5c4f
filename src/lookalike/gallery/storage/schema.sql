-- Version 1 of the gallery. SQLite in WAL mode; this file is the truth, the FAISS files beside it are copies.
-- A picture whose content changes gets a new id, so "id > the last one seen" finds everything new.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE pictures (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice
    path     BLOB    NOT NULL UNIQUE,            -- the exact bytes of the absolute path
    name     TEXT    NOT NULL,                   -- the same for people, undecodable bytes replaced
    sha256   TEXT    NOT NULL,
    bytes    INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    width    INTEGER NOT NULL,                   -- of the upright original, pixels
    height   INTEGER NOT NULL,
    format   TEXT    NOT NULL,
    taken    TEXT,                               -- EXIF, YYYY-MM-DD HH:MM:SS
    camera   TEXT                                -- EXIF make and model
);
CREATE INDEX pictures_sha256 ON pictures (sha256);
CREATE INDEX pictures_bytes ON pictures (bytes);

CREATE TABLE descriptors (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL,
    card        TEXT NOT NULL                    -- JSON
);

CREATE TABLE vectors (
    descriptor_id INTEGER NOT NULL REFERENCES descriptors (id),
    picture_id    INTEGER NOT NULL,              -- no REFERENCES: the trigger below deletes by primary key
    ordinal       INTEGER NOT NULL,              -- 0 for the whole picture; regions, frames and faces follow
    quality       REAL    NOT NULL,              -- 0..1
    vector        BLOB    NOT NULL,              -- float16 little-endian, or packed bits
    x REAL, y REAL, width REAL, height REAL,     -- the region, pixels of the upright original; NULL for all of it
    time          REAL,                          -- seconds into a video; NULL for a picture
    PRIMARY KEY (descriptor_id, picture_id, ordinal)
) WITHOUT ROWID;

CREATE TABLE removals (                          -- lets an index copy catch up with what was deleted
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    picture_id INTEGER NOT NULL
);

CREATE TABLE labels (
    picture_id  INTEGER NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
    label       TEXT    NOT NULL,
    probability REAL    NOT NULL,
    source      TEXT    NOT NULL,                -- the model or the person it comes from
    PRIMARY KEY (picture_id, source, label)
) WITHOUT ROWID;

CREATE TRIGGER picture_removed AFTER DELETE ON pictures BEGIN
    DELETE FROM vectors
     WHERE descriptor_id IN (SELECT id FROM descriptors) AND picture_id = OLD.id;
    INSERT INTO removals (picture_id) VALUES (OLD.id);
END;

CREATE TABLE failures (                          -- so that a bad file is not decoded again until it changes
    path     BLOB PRIMARY KEY,
    reason   TEXT    NOT NULL,
    bytes    INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE roots (                             -- the folders that were added, for refresh
    path BLOB PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE decisions (                         -- a person's word on two contents; a < b
    a       TEXT NOT NULL,
    b       TEXT NOT NULL,
    verdict TEXT NOT NULL,                       -- 'different'
    PRIMARY KEY (a, b)
) WITHOUT ROWID;

CREATE TABLE calibrations (                      -- fitted on the user's own pictures
    name      TEXT PRIMARY KEY,
    slope     REAL NOT NULL,
    intercept REAL NOT NULL,
    origin    TEXT NOT NULL
) WITHOUT ROWID;
