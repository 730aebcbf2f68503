-- A model keeps its row when its last version is removed, so that next_version never hands out a number twice.
CREATE TABLE models (
  id           INTEGER PRIMARY KEY,
  name         TEXT NOT NULL UNIQUE,
  next_version INTEGER NOT NULL DEFAULT 1 CHECK (next_version >= 1)
);

-- Files below blobs/, by content. A row is written in the transaction that first refers to it.
CREATE TABLE blobs (
  sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
  bytes  INTEGER NOT NULL CHECK (bytes >= 0)
) WITHOUT ROWID;

CREATE TABLE versions (
  id           INTEGER PRIMARY KEY,
  model_id     INTEGER NOT NULL REFERENCES models (id),
  number       INTEGER NOT NULL CHECK (number >= 1),
  domain       TEXT NOT NULL,
  task         TEXT NOT NULL,
  summary      TEXT NOT NULL DEFAULT '',
  license      TEXT NOT NULL DEFAULT '',
  model_sha256 TEXT NOT NULL REFERENCES blobs (sha256),
  card_sha256  TEXT NOT NULL REFERENCES blobs (sha256),
  created      TEXT NOT NULL,
  UNIQUE (model_id, number)
);
CREATE INDEX versions_model_blob ON versions (model_sha256);
CREATE INDEX versions_card_blob ON versions (card_sha256);

-- No row: the version has no sketch and is listed as unranked.
CREATE TABLE sketches (
  version_id INTEGER PRIMARY KEY REFERENCES versions (id) ON DELETE CASCADE,
  sha256     TEXT NOT NULL REFERENCES blobs (sha256),
  kind       TEXT NOT NULL,
  rows       INTEGER NOT NULL CHECK (rows >= 0)
);
CREATE INDEX sketches_blob ON sketches (sha256);

CREATE TABLE tags (
  version_id INTEGER NOT NULL REFERENCES versions (id) ON DELETE CASCADE,
  tag        TEXT NOT NULL,
  position   INTEGER NOT NULL,
  PRIMARY KEY (version_id, tag)
) WITHOUT ROWID;
CREATE INDEX tags_tag ON tags (tag);

-- What is said or measured of a version: source_accuracy now.
CREATE TABLE metrics (
  version_id INTEGER NOT NULL REFERENCES versions (id) ON DELETE CASCADE,
  name       TEXT NOT NULL,
  value      REAL NOT NULL,
  PRIMARY KEY (version_id, name)
) WITHOUT ROWID;

-- A version that an alias points to cannot be removed.
CREATE TABLE aliases (
  model_id   INTEGER NOT NULL REFERENCES models (id),
  alias      TEXT NOT NULL,
  version_id INTEGER NOT NULL REFERENCES versions (id) ON DELETE RESTRICT,
  PRIMARY KEY (model_id, alias)
) WITHOUT ROWID;
CREATE INDEX aliases_version ON aliases (version_id);

CREATE TABLE audit (
  id      INTEGER PRIMARY KEY,
  time    TEXT NOT NULL,
  action  TEXT NOT NULL,
  name    TEXT NOT NULL DEFAULT '',
  version INTEGER
);
