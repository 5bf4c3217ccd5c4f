-- Version 13: the soundtracks of videos, as fingerprints.

CREATE TABLE sounds (
    image_id INTEGER PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE,
    data     BLOB NOT NULL                            -- see sound_codec.py; of no words for a video without sound
);

-- `index` reads the videos that are held once more.
INSERT OR IGNORE INTO meta SELECT 'unfinished copy', '1' WHERE EXISTS (SELECT 1 FROM images WHERE codec IS NOT NULL);
