"""Files elsewhere than in a folder: in a bucket, on a web server, in an archive. They are read, never written."""
