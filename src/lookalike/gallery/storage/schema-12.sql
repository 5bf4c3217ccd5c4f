-- Version 12: what a person said of faces, kept while their images are described anew by another version.

CREATE TABLE face_words (
    id         INTEGER PRIMARY KEY,
    image_id   INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    descriptor TEXT    NOT NULL,                      -- its name, which its versions share
    x REAL NOT NULL, y REAL NOT NULL, width REAL NOT NULL, height REAL NOT NULL,  -- the face's box, shares of the image
    person_id  INTEGER REFERENCES persons (id),       -- NULL: nobody's
    forgotten  INTEGER NOT NULL DEFAULT 0             -- 1: the face gets no vector again
);
CREATE INDEX face_words_image ON face_words (image_id, descriptor);
CREATE INDEX face_words_person ON face_words (person_id);
