-- Version 2: keypoints, kept on request, so that verifying a hit need not look for them again.

CREATE TABLE keypoints (
    picture_id INTEGER PRIMARY KEY REFERENCES pictures (id) ON DELETE CASCADE,
    data       BLOB NOT NULL                     -- see points.py
);
