-- Version 10: faces, which are regions with five landmarks each, and whose they are.

CREATE TABLE persons (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,           -- the number of a group; never used twice
    name TEXT UNIQUE                                  -- NULL: nobody has named it
);

CREATE TABLE faces (
    image_id      INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    descriptor_id INTEGER NOT NULL REFERENCES descriptors (id),
    place         INTEGER NOT NULL,                   -- of its region in the packed row, from 0
    landmarks     BLOB    NOT NULL,                   -- five points x, y as 16-bit shares of the image
    utility       REAL    NOT NULL,                   -- 0..1
    flaw          TEXT,                               -- why it has no vector: small, blurred, turned, forgotten
    person_id     INTEGER REFERENCES persons (id),    -- NULL: undecided; or, by a person's word, nobody's
    source        TEXT,                               -- 'user' or 'grouped'; NULL: undecided
    probability   REAL,
    PRIMARY KEY (image_id, descriptor_id, place)
) WITHOUT ROWID;
CREATE INDEX faces_person ON faces (person_id);
