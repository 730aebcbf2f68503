-- Further files of a version: external data of its model, a vocabulary.
CREATE TABLE files (
  version_id INTEGER NOT NULL REFERENCES versions (id) ON DELETE CASCADE,
  name       TEXT NOT NULL,
  sha256     TEXT NOT NULL REFERENCES blobs (sha256),
  PRIMARY KEY (version_id, name)
) WITHOUT ROWID;
CREATE INDEX files_blob ON files (sha256);

-- What was learnt of a version from labelled validation data; no row: nothing.
CREATE TABLE calibrations (
  version_id INTEGER PRIMARY KEY REFERENCES versions (id) ON DELETE CASCADE,
  json       TEXT NOT NULL
);

-- The sample of those data that was kept; no row: none.
CREATE TABLE validations (
  version_id INTEGER PRIMARY KEY REFERENCES versions (id) ON DELETE CASCADE,
  sha256     TEXT NOT NULL REFERENCES blobs (sha256)
);
CREATE INDEX validations_blob ON validations (sha256);

-- What one version did on the labelled rows of a version. It goes when either goes.
CREATE TABLE experience (
  domain_id INTEGER NOT NULL REFERENCES versions (id) ON DELETE CASCADE,
  model_id  INTEGER NOT NULL REFERENCES versions (id) ON DELETE CASCADE,
  items     INTEGER NOT NULL CHECK (items >= 0),
  accuracy  REAL, -- NULL: not known
  macro_f1  REAL,
  sha256    TEXT REFERENCES blobs (sha256), -- the outputs; NULL: not kept
  PRIMARY KEY (domain_id, model_id)
) WITHOUT ROWID;
CREATE INDEX experience_model ON experience (model_id);
CREATE INDEX experience_blob ON experience (sha256);
