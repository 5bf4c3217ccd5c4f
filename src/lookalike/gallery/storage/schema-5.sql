-- Version 5: the tables in the field's words: images, verdicts, contrast, retention. Nothing is rewritten but the schema.

DROP TRIGGER picture_removed;
DROP INDEX pictures_sha256;
DROP INDEX pictures_bytes;

ALTER TABLE pictures RENAME TO images;
ALTER TABLE vectors RENAME COLUMN picture_id TO image_id;
ALTER TABLE vectors RENAME COLUMN quality TO contrast;      -- 0..1; 0 for an image without any feature
ALTER TABLE removals RENAME COLUMN picture_id TO image_id;
ALTER TABLE labels RENAME COLUMN picture_id TO image_id;
ALTER TABLE keypoints RENAME COLUMN picture_id TO image_id;
ALTER TABLE classified RENAME COLUMN picture_id TO image_id;
ALTER TABLE regions RENAME COLUMN picture_id TO image_id;
ALTER TABLE objects RENAME COLUMN picture_id TO image_id;
ALTER TABLE decisions RENAME TO verdicts;
UPDATE meta SET key = 'retention' WHERE key = 'keeps';

-- Opaque names, where no paths are kept (privacy.py), begin with the new word.
UPDATE images SET name = 'image-' || substr(name, 9), path = CAST('image-' || substr(name, 9) AS BLOB)
 WHERE name LIKE 'picture-%' AND EXISTS (SELECT 1 FROM meta WHERE key = 'retention' AND value <> 'paths');
UPDATE failures SET reason = replace(reason, 'picture-', 'image-'),
                    path = CAST('image-' || substr(CAST(path AS TEXT), 9) AS BLOB)
 WHERE CAST(path AS TEXT) LIKE 'picture-%' AND EXISTS (SELECT 1 FROM meta WHERE key = 'retention' AND value <> 'paths');

CREATE INDEX images_sha256 ON images (sha256);
CREATE INDEX images_bytes ON images (bytes);

CREATE TRIGGER image_removed AFTER DELETE ON images BEGIN
    DELETE FROM vectors
     WHERE descriptor_id IN (SELECT id FROM descriptors) AND image_id = OLD.id;
    INSERT INTO removals (image_id) VALUES (OLD.id);
END;
