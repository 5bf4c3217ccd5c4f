-- Version 6: the whole file: how many frames or pages it has, and what is wrong with it.

ALTER TABLE images ADD COLUMN frames INTEGER;  -- NULL: indexed before they were counted
ALTER TABLE images ADD COLUMN damage TEXT;     -- of a file that can be decoded all the same; NULL: none was found

UPDATE images SET frames = 1 WHERE format IN ('JPEG', 'BMP');
