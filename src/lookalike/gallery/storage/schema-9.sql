-- Version 9: videos beside images, and frames: the times at which something is shown, with a vector each.

ALTER TABLE images ADD COLUMN codec TEXT;        -- 'h264': a video, described by its frames alone; NULL for an image
ALTER TABLE images ADD COLUMN duration REAL;     -- seconds; NULL for what does not move
ALTER TABLE images ADD COLUMN fps REAL;          -- frames a second, on average
ALTER TABLE images ADD COLUMN bitrate INTEGER;   -- bits a second, 0 where the file does not say

CREATE TABLE frames (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: an index copy reads on from the last one seen
    descriptor_id INTEGER NOT NULL REFERENCES descriptors (id),
    image_id      INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    data          BLOB    NOT NULL,                   -- see frame_codec.py
    UNIQUE (image_id, descriptor_id)
);
