"""The statements of a comparison: two sides of names and streams become entries with a verdict.

`side` is 0 or 1, `pair` the number of the match of file systems, `part` which stream of a file,
`nth` tells names apart that stand twice in one folder (damaged file systems have them).
"""

from __future__ import annotations

from typing import Final

TABLES: Final = """
CREATE TABLE name (side INTEGER, n INTEGER, pair INTEGER, fs INTEGER, inode INTEGER, seq INTEGER,
  path BLOB, base BLOB, type TEXT, target BLOB, deleted INTEGER);
CREATE TABLE stream (side INTEGER, n INTEGER, fs INTEGER, inode INTEGER, seq INTEGER, part BLOB,
  size INTEGER, content BLOB);
CREATE TABLE entry (id INTEGER PRIMARY KEY, side INTEGER, pair INTEGER, path BLOB, base BLOB,
  part BLOB, nth INTEGER, type TEXT, size INTEGER, content BLOB, n INTEGER, s INTEGER,
  other INTEGER, kind TEXT, note TEXT DEFAULT '');
"""
# what is no file is an entry whose content is its type and target; its named streams stand beside
ENTRIES: Final = """
CREATE INDEX by_record ON stream (side, fs, inode, seq);
INSERT INTO entry (side, pair, path, base, part, nth, type, size, content, n, s)
SELECT side, pair, path, base, part,
  row_number() OVER (PARTITION BY side, pair, path, part ORDER BY n, s), type, size, content, n, s
FROM (
  SELECT name.side AS side, pair, path, base, coalesce(part, x'') AS part, type, size, content,
    name.n AS n, stream.n AS s
  FROM name LEFT JOIN stream ON stream.side = name.side AND stream.fs = name.fs
    AND stream.inode = name.inode AND stream.seq = name.seq
  WHERE NOT deleted AND type = 'f'
  UNION ALL
  SELECT side, pair, path, base, x'', type, NULL, coalesce(target, x''), n, NULL
  FROM name WHERE NOT deleted AND type != 'f'
  UNION ALL
  SELECT name.side, pair, path, base, part, type, size, content, name.n, stream.n
  FROM name JOIN stream ON stream.side = name.side AND stream.fs = name.fs
    AND stream.inode = name.inode AND stream.seq = name.seq
  WHERE NOT deleted AND type != 'f' AND part != x''
)
ORDER BY side, pair, path, part;
"""
MATCH: Final = """
CREATE INDEX by_place ON entry (side, pair, path, part, nth);
UPDATE entry SET other = (SELECT id FROM entry AS b WHERE b.side = 1 AND b.pair = entry.pair
  AND b.path = entry.path AND b.part = entry.part AND b.nth = entry.nth) WHERE side = 0;
UPDATE entry SET kind = (SELECT CASE
    WHEN a.type != b.type THEN 'changed'
    WHEN a.content IS NULL OR b.content IS NULL THEN 'cannot-be-compared'
    WHEN a.content = b.content THEN 'same' ELSE 'changed' END
  FROM entry AS a, entry AS b WHERE a.id = entry.id AND b.id = a.other)
  WHERE side = 0 AND other IS NOT NULL;
CREATE INDEX by_other ON entry (other);
UPDATE entry SET other = (SELECT id FROM entry AS a WHERE a.other = entry.id), kind = 'second'
  WHERE side = 1 AND id IN (SELECT other FROM entry WHERE side = 0 AND other IS NOT NULL);
CREATE INDEX by_content ON entry (side, content) WHERE content IS NOT NULL AND type = 'f';
"""
# one old name for one new name: first those that kept their last part, then within the file system
MOVE_PASSES: Final = ("pair, part, content, base", "pair, part, content", "part, content")
MOVED: Final = """
CREATE TABLE pass (a INTEGER, b INTEGER);
INSERT INTO pass SELECT a.id, b.id FROM
  (SELECT id, {same}, row_number() OVER (PARTITION BY {same} ORDER BY pair, path, nth) AS r
   FROM entry WHERE side = 0 AND kind IS NULL AND type = 'f' AND size > 0 AND content IS NOT NULL)
   AS a
  JOIN
  (SELECT id, {same}, row_number() OVER (PARTITION BY {same} ORDER BY pair, path, nth) AS r
   FROM entry WHERE side = 1 AND kind IS NULL AND type = 'f' AND size > 0 AND content IS NOT NULL)
   AS b USING ({same}, r);
CREATE INDEX pass_a ON pass (a);
CREATE INDEX pass_b ON pass (b);
UPDATE entry SET kind = 'moved', other = (SELECT b FROM pass WHERE a = id)
  WHERE side = 0 AND id IN (SELECT a FROM pass);
UPDATE entry SET kind = 'second', other = (SELECT a FROM pass WHERE b = id)
  WHERE side = 1 AND id IN (SELECT b FROM pass);
DROP TABLE pass;
"""
NOTES: Final = """
UPDATE entry SET kind = CASE side WHEN 0 THEN 'gone' ELSE 'appeared' END WHERE kind IS NULL;
CREATE INDEX by_deleted ON name (pair, path) WHERE side = 1 AND deleted;
UPDATE entry SET note = CASE
    WHEN kind = 'gone' AND EXISTS (SELECT 1 FROM name WHERE name.side = 1 AND name.deleted
      AND name.pair = entry.pair AND name.path = entry.path) THEN 'deleted-there'
    WHEN type = 'f' AND size > 0 AND content IS NOT NULL AND EXISTS (SELECT 1 FROM entry AS b
      WHERE b.side = 1 - entry.side AND b.content = entry.content AND b.type = 'f')
      THEN CASE kind WHEN 'gone' THEN 'copy-remains' ELSE 'copy-of-known' END
    ELSE '' END
  WHERE kind IN ('gone', 'appeared');
CREATE INDEX by_kind ON entry (kind, side, pair, path);
"""
COUNT: Final = """
SELECT pair, kind, count(*) FROM entry WHERE kind != 'second' GROUP BY pair, kind
"""
COUNT_NOTES: Final = "SELECT note, count(*) FROM entry WHERE note != '' GROUP BY note"
LIST: Final = """
SELECT entry.side, entry.n, entry.s, o.n, o.s, entry.note
FROM entry LEFT JOIN entry AS o ON o.id = entry.other
WHERE entry.kind = ? ORDER BY entry.side, entry.pair, entry.path, entry.part, entry.nth LIMIT ?
"""
