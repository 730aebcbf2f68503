-- A tag is a word, or a key with a value; a key once a version. Of "site=lyon" and "site=paris" the later one stays.
ALTER TABLE tags RENAME TO tags_before;
CREATE TABLE tags (
  version_id INTEGER NOT NULL REFERENCES versions (id) ON DELETE CASCADE,
  key        TEXT NOT NULL,
  value      TEXT, -- NULL: a word
  position   INTEGER NOT NULL,
  PRIMARY KEY (version_id, key)
) WITHOUT ROWID;
INSERT OR REPLACE INTO tags (version_id, key, value, position)
  SELECT version_id,
         CASE WHEN instr(tag, '=') > 1 THEN rtrim(substr(tag, 1, instr(tag, '=') - 1)) ELSE tag END,
         CASE WHEN instr(tag, '=') > 1 THEN ltrim(substr(tag, instr(tag, '=') + 1)) END,
         position
    FROM tags_before ORDER BY version_id, position;
DROP TABLE tags_before;
CREATE INDEX tags_key ON tags (key, value);

-- Who did it ("" before this step), and what it was in words.
ALTER TABLE audit ADD COLUMN who TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN detail TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_name ON audit (name);

-- Full-text search; rowid is versions.id. It can be made anew from the other tables and the cards, which happens for
-- every version with indexed = 0 when the repository is next opened for writing.
CREATE VIRTUAL TABLE texts USING fts5 (name, summary, card, tags, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');
ALTER TABLE versions ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX versions_unindexed ON versions (id) WHERE indexed = 0;
