-- Version 8: what a network says of an image's class is kept beside the vector that it gave: packed, see class_codec.py.

ALTER TABLE vectors ADD COLUMN classes BLOB;               -- NULL where the network names no classes
