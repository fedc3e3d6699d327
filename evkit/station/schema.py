"""The tables of `ledger.db`. See `docs/spec/ledger-store.md`."""

from __future__ import annotations

VERSION = 1
APPLICATION_ID = 0x45564B4C  # "EVKL", shown by file(1)

TABLES = """
CREATE TABLE entries (
  idx       INTEGER PRIMARY KEY CHECK (idx >= 0),
  event_id  TEXT NOT NULL UNIQUE CHECK (length(event_id) = 64),
  kind      TEXT NOT NULL,
  case_key  TEXT,
  case_id   TEXT,
  case_seq  INTEGER,
  signer    TEXT NOT NULL,
  envelope  BLOB NOT NULL CHECK (length(envelope) BETWEEN 1 AND 65535),
  CHECK ((case_key IS NULL) = (case_seq IS NULL))
);
CREATE UNIQUE INDEX entries_case ON entries (case_key, case_seq) WHERE case_key IS NOT NULL;
CREATE INDEX entries_kind ON entries (kind, case_key, idx);
CREATE INDEX entries_signer ON entries (signer, idx);
CREATE TABLE heads (
  size      INTEGER PRIMARY KEY CHECK (size > 0),
  root      BLOB NOT NULL CHECK (length(root) = 32),
  note      BLOB
);
CREATE TABLE nodes (
  level     INTEGER NOT NULL,
  idx       INTEGER NOT NULL,
  hash      BLOB NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (level, idx)
) WITHOUT ROWID;
CREATE TABLE openings (
  event_id  TEXT NOT NULL REFERENCES entries (event_id),
  name      TEXT NOT NULL,
  value     TEXT NOT NULL,
  salt      TEXT NOT NULL,
  PRIMARY KEY (event_id, name)
) WITHOUT ROWID;
"""

# a slip in this program or a curious hand must not be able to edit history by accident
TRIGGERS = "".join(
    f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} {condition}"
    f"BEGIN SELECT RAISE(ABORT, 'a ledger only grows'); END;\n"
    for table, verb, condition in (
        ("entries", "update", ""),
        ("entries", "delete", ""),
        ("nodes", "update", ""),
        ("nodes", "delete", ""),
        ("openings", "update", ""),
        ("heads", "delete", ""),
        ("heads", "update", "WHEN OLD.note IS NOT NULL OR NEW.root <> OLD.root "),
    )
)
