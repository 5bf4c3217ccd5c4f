-- Version 11: a catalogue, which says of the things that the images show what the images cannot: price, size, stock.

CREATE TABLE items (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    code  TEXT NOT NULL UNIQUE,                  -- what the catalogue calls it
    title TEXT NOT NULL DEFAULT '',
    revision INTEGER NOT NULL DEFAULT 0          -- rises with every write, so that a copy of it all can catch up
);
CREATE INDEX items_revision ON items (revision);

CREATE TABLE item_files (                        -- by path, so that an image that is indexed anew is the item's still
    item_id INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
    place   INTEGER NOT NULL,                    -- in the order of the catalogue, from 0
    path    BLOB    NOT NULL,                    -- as in images, which need not hold it
    PRIMARY KEY (item_id, place)
) WITHOUT ROWID;
CREATE INDEX item_files_path ON item_files (path);

CREATE TABLE item_columns (
    name TEXT PRIMARY KEY,                       -- as filters say it
    kind TEXT NOT NULL                           -- 'number' or 'text'
) WITHOUT ROWID;

CREATE TABLE item_values (                       -- an empty cell has no row
    item_id INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
    name    TEXT    NOT NULL,
    value   NOT NULL,                            -- REAL or TEXT, as the column's kind says
    PRIMARY KEY (item_id, name)
) WITHOUT ROWID;

CREATE TRIGGER image_moved AFTER UPDATE OF path ON images WHEN OLD.path <> NEW.path BEGIN
    UPDATE item_files SET path = NEW.path WHERE path = OLD.path;
    INSERT INTO meta VALUES ('item files', '1') ON CONFLICT (key) DO UPDATE SET value = value + 1;
END;

CREATE TRIGGER item_forgotten AFTER DELETE ON items BEGIN
    INSERT INTO meta VALUES ('item files', '1') ON CONFLICT (key) DO UPDATE SET value = value + 1;
END;
