-- Version 4: the regions of a picture, boxes with a vector each, and the objects among them.

ALTER TABLE descriptors ADD COLUMN classes TEXT;  -- JSON, a list of names; NULL for a descriptor of whole pictures

CREATE TABLE regions (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: an index copy reads on from the last one seen
    descriptor_id INTEGER NOT NULL REFERENCES descriptors (id),
    picture_id    INTEGER NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
    data          BLOB    NOT NULL,                   -- see packing.py; of no region for a blank picture
    UNIQUE (picture_id, descriptor_id)
);

CREATE TABLE objects (                                -- regions that are surely enough an object; for where
    picture_id    INTEGER NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
    descriptor_id INTEGER NOT NULL REFERENCES descriptors (id),
    name          TEXT    NOT NULL,                   -- of the class; '' for objects of all classes and of none together
    count         INTEGER NOT NULL,
    PRIMARY KEY (picture_id, descriptor_id, name)
) WITHOUT ROWID;
