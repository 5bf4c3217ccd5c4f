-- Version 3: which pictures a model was asked about, for it may have nothing to say; and what a person's pairs taught.

CREATE TABLE classifiers (
    source  TEXT PRIMARY KEY,                    -- as in labels: the model and a digest of its file and its card's labels
    model   TEXT NOT NULL,                       -- its name
    classes TEXT NOT NULL                        -- JSON, a list of texts
) WITHOUT ROWID;

CREATE TABLE classified (
    picture_id INTEGER NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
    source     TEXT    NOT NULL REFERENCES classifiers (source) ON DELETE CASCADE,
    top        INTEGER NOT NULL,                 -- so many labels were asked for
    PRIMARY KEY (picture_id, source)
) WITHOUT ROWID;

CREATE TABLE tunings (                           -- fitted on pairs that a person has judged; before calibrations
    name      TEXT PRIMARY KEY,                  -- a descriptor, or 'blend'
    slope     REAL NOT NULL,
    intercept REAL NOT NULL,
    origin    TEXT NOT NULL,
    weights   TEXT NOT NULL                      -- JSON, descriptor -> share: of the blend, {} for any other
) WITHOUT ROWID;
