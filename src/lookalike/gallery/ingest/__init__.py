"""From files on disk to rows: scan, extract, ingest, backfill."""
