"""The ledger's tables.

Rules:
- `entries`, `parts` and `nodes` are the ledger: rows are added, never changed.
- `head` has one row, with the signed checkpoint of its size; the transaction that holds it may write.
- Of secrets, only digests are stored; `name_secrets` has what keys the tags of names in entries. It hides
  from readers of the log the names that are in this database beside it, and must outlive the log's key.
- `incarnations` holds the runs of gateways to which an earlier build, without feeds, gave leases.
- `key_uses` has a row for each key, and each principal with a token, that was used: when, to the hour.
- `model_days` has a row for each key, model and day on which it was used, of the newest days. `key_days` is
  where an earlier build counts, without the model; what is in it is moved when the file is opened.
- `invitations`, `passkeys` and `sessions` are how people come in; of what is secret they have digests.
- `inviters` has who made an invitation. `colleagues` has the principals that are not as one is made by a
  token: those that colleagues invited, and those that do not administer their organization.
- `to_sign` has statements that officers are to sign; with what opens their commitments, until
  they are on the record. An earlier build kept them in `preparations`, without what they rest on, so that
  each had to be made again; and so they go, with what they would have opened.
- `earlier_tokens` has the tokens that another has replaced and that count for a while yet.
- `spent` has a row for each party that has used some of a daily limit.
- `outbox` holds the letters that are still to be sent, in the order of their ids. A delivered letter is
  deleted.
"""

from __future__ import annotations

import sqlalchemy as sa

from sluicegate.core.people.legal_names import bare_key
from sluicegate.store import grams
from sluicegate.store.database import Schema

APPLICATION_ID = 0x534C4347
"""Marks a SQLite file as ours: "SLCG"."""
VERSION = 4
STEPS: dict[int, tuple[str, ...]] = {3: ("ALTER TABLE incarnations ADD COLUMN public_key BLOB",)}
"""What makes a database of a version one of the next; versions without steps are refused."""
INDEXES = (
    (
        "CREATE VIRTUAL TABLE IF NOT EXISTS organization_names"
        " USING fts5(pseudonym UNINDEXED, name, tokenize='trigram case_sensitive 1')"
    ),
    (
        "CREATE TRIGGER IF NOT EXISTS organization_is_named AFTER INSERT ON organizations BEGIN"
        " INSERT INTO organization_names (rowid, pseudonym, name)"
        " VALUES (new.rowid, new.pseudonym, new.name); END"
    ),
    (
        "INSERT INTO organization_names (rowid, pseudonym, name)"
        " SELECT rowid, pseudonym, name FROM organizations"
        " WHERE rowid > (SELECT coalesce(max(rowid), 0) FROM organization_names)"
    ),
    (
        "CREATE VIRTUAL TABLE IF NOT EXISTS name_parts"
        " USING fts5(words, content='', detail=none, tokenize='ascii')"
    ),
    (
        "INSERT INTO name_parts (rowid, words) SELECT rowid, words_of(name) FROM organization_names"
        " WHERE rowid > (SELECT coalesce(max(rowid), 0) FROM name_parts)"
    ),
)
"""The index of the parts of organizations' names. It is made when a database is opened that has none.

An earlier build of the same version does not know it: the trigger keeps it true while that build writes.
`name_parts` has of each row the parts that are no threes (`grams`). What lacks them gets them here.
"""

_PLAN = b'"type":"release.applied"'
IS_A_PLAN = f"instr(leaf, X'{_PLAN.hex()}') > 0"
"""Which entries may put a plan in force. A feed needs these alone, of a log of any length.

No function that reads JSON: an earlier build could not open a file that has an index by one.
"""
SIGN_INS = (
    (
        "CREATE TABLE IF NOT EXISTS invitations (digest BLOB PRIMARY KEY, principal TEXT NOT NULL,"
        " until_ms INTEGER NOT NULL) WITHOUT ROWID"
    ),
    (
        "CREATE TABLE IF NOT EXISTS passkeys (id TEXT PRIMARY KEY, principal TEXT NOT NULL,"
        " name TEXT NOT NULL, public_key BLOB NOT NULL, counter INTEGER NOT NULL,"
        " created_ms INTEGER NOT NULL, used_ms INTEGER) WITHOUT ROWID"
    ),
    "CREATE INDEX IF NOT EXISTS passkeys_of ON passkeys (principal, created_ms)",
    (
        "CREATE TABLE IF NOT EXISTS sessions (digest BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
        " principal TEXT NOT NULL, how TEXT NOT NULL, agent TEXT NOT NULL, created_ms INTEGER NOT NULL,"
        " seen_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL) WITHOUT ROWID"
    ),
    "CREATE INDEX IF NOT EXISTS sessions_of ON sessions (principal, created_ms)",
    "CREATE TABLE IF NOT EXISTS inviters (digest BLOB PRIMARY KEY, maker TEXT NOT NULL) WITHOUT ROWID",
)
"""The tables of `ports.SignIns`, in a ledger's file or a desk's."""
PREPARATIONS = (
    (
        "CREATE TABLE IF NOT EXISTS to_sign (id TEXT PRIMARY KEY, payload BLOB NOT NULL,"
        " maker TEXT NOT NULL, name TEXT NOT NULL, at_ms INTEGER NOT NULL, instance TEXT NOT NULL,"
        " opened TEXT NOT NULL, signatures TEXT NOT NULL, premise TEXT NOT NULL)"
    ),
    "DROP TABLE IF EXISTS preparations",
)
"""The table of `ports.Preparations`, in a ledger's file or a desk's."""
_HANDOVER = b'"type":"log.key_replaced"'
IS_A_HANDOVER = f"instr(leaf, X'{_HANDOVER.hex()}') > 0"
"""Which entries may replace the log's key."""
MADE_WHEN_OPENED = (
    *INDEXES,
    *SIGN_INS,
    *PREPARATIONS,
    (
        "CREATE TABLE IF NOT EXISTS bare_names"
        " (bare TEXT, pseudonym TEXT, PRIMARY KEY (bare, pseudonym)) WITHOUT ROWID"
    ),
    (
        "INSERT INTO bare_names SELECT bare_key(name), pseudonym FROM organizations"
        " WHERE (SELECT count(*) FROM organizations) <> (SELECT count(*) FROM bare_names)"
        " AND pseudonym NOT IN (SELECT pseudonym FROM bare_names)"
    ),
    f"CREATE INDEX IF NOT EXISTS plans ON entries (seq) WHERE {IS_A_PLAN}",
    f"CREATE INDEX IF NOT EXISTS handovers ON entries (seq) WHERE {IS_A_HANDOVER}",
    "CREATE INDEX IF NOT EXISTS principals_by_role ON principals (role)",
    "CREATE TABLE IF NOT EXISTS feed_keys (feed VARCHAR(64) PRIMARY KEY, certificate TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS key_uses (credential TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID",
    (
        "CREATE TABLE IF NOT EXISTS key_days (credential TEXT NOT NULL, day INTEGER NOT NULL,"
        " passed INTEGER NOT NULL, refused INTEGER NOT NULL, PRIMARY KEY (credential, day)) WITHOUT ROWID"
    ),
    (
        "CREATE TABLE IF NOT EXISTS model_days (credential TEXT NOT NULL, day INTEGER NOT NULL,"
        " model TEXT NOT NULL, passed INTEGER NOT NULL, refused INTEGER NOT NULL,"
        " PRIMARY KEY (credential, day, model)) WITHOUT ROWID"
    ),
    "CREATE INDEX IF NOT EXISTS model_days_by_day ON model_days (day)",
    (
        "INSERT INTO model_days SELECT credential, day, '', passed, refused FROM key_days WHERE true"
        " ON CONFLICT (credential, day, model)"
        " DO UPDATE SET passed = passed + excluded.passed, refused = refused + excluded.refused"
    ),
    "DELETE FROM key_days",
    (
        "CREATE TABLE IF NOT EXISTS issued_tokens"
        " (principal VARCHAR(64) PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID"
    ),
    (
        "CREATE TABLE IF NOT EXISTS earlier_tokens (token_digest BLOB PRIMARY KEY,"
        " principal VARCHAR(64) NOT NULL, until_ms INTEGER NOT NULL) WITHOUT ROWID"
    ),
    (
        "CREATE TABLE IF NOT EXISTS colleagues (principal VARCHAR(64) PRIMARY KEY,"
        " colleague_of VARCHAR(64), administers BOOLEAN NOT NULL) WITHOUT ROWID"
    ),
    "CREATE INDEX IF NOT EXISTS colleagues_of ON colleagues (colleague_of)",
    "CREATE TABLE IF NOT EXISTS name_secrets (purpose TEXT PRIMARY KEY, secret BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS spent (party VARCHAR(128) PRIMARY KEY, until_ms TEXT NOT NULL) WITHOUT ROWID",
)
"""What a database of this version may lack, because an earlier build made it."""

metadata = sa.MetaData()

head = sa.Table(
    "head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("confirmed", sa.Integer, nullable=False),
    sa.Column("checkpoint", sa.Text, nullable=False),
)
entries = sa.Table(
    "entries",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
)
parts = sa.Table(
    "parts",
    metadata,
    sa.Column("seq", sa.Integer, sa.ForeignKey("entries.seq"), primary_key=True),
    sa.Column("part", sa.String(6), primary_key=True),
    sa.Column("field", sa.String(64), primary_key=True),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
nodes = sa.Table(
    "nodes",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("idx", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
commands = sa.Table(
    "commands",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("request", sa.String(71), nullable=False),
    sa.Column("result", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
organizations = sa.Table(
    "organizations",
    metadata,
    sa.Column("pseudonym", sa.String(64), primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("name", sa.String(500), nullable=False, index=True),
    sa.Column("registered_in", sa.String(2), nullable=False),
    sa.UniqueConstraint("owner", "name", "registered_in"),
)
principals = sa.Table(
    "principals",
    metadata,
    sa.Column("token_digest", sa.LargeBinary, primary_key=True),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("party", sa.String(64), nullable=True),
)
incarnations = sa.Table(
    "incarnations",
    metadata,
    sa.Column("gateway", sa.String(64), primary_key=True),
    sa.Column("incarnation", sa.String(64), primary_key=True),
    sa.Column("surface", sa.String(64), nullable=False),
    sa.Column("public_key", sa.LargeBinary, nullable=True),
)
feed_keys = sa.table("feed_keys", sa.column("feed"), sa.column("certificate"))
colleagues = sa.table(
    "colleagues", sa.column("principal"), sa.column("colleague_of"), sa.column("administers", sa.Boolean)
)
name_secrets = sa.table("name_secrets", sa.column("purpose"), sa.column("secret"))
spent = sa.table("spent", sa.column("party"), sa.column("until_ms"))
subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("principal", sa.String(64), nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("target", sa.String(1024), nullable=False),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("gone", sa.Boolean, nullable=False),
)
drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("principal", sa.String(64), nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
)
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("message", sa.String(64), nullable=False, unique=True),
    sa.Column(
        "subscription", sa.String(64), sa.ForeignKey("subscriptions.id", ondelete="CASCADE"), nullable=False
    ),
    sa.Column("case", sa.String(64), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("due_ms", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error", sa.String(200), nullable=False),
    sa.Index("outbox_in_order", "state", "subscription", "case", "id"),
    sqlite_autoincrement=True,
)

LEDGER = Schema(
    application_id=APPLICATION_ID,
    version=VERSION,
    metadata=metadata,
    steps=STEPS,
    functions={"bare_key": bare_key, "words_of": grams.words_of},
    first=(sa.insert(head).values(id=1, size=0, confirmed=0, checkpoint=""),),
    made=MADE_WHEN_OPENED,
)
