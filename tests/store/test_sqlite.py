"""What SQLite does beyond the contract: what it finds on the disk, and a disk that fails."""

from __future__ import annotations

import itertools
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sluicegate.errors import StoreUnavailable, StoreUnusable
from sluicegate.ports import KeyDay, Node, PageSession, PastCommand, Principal
from sluicegate.store import schema
from sluicegate.store.database import Session
from sluicegate.store.log import nodes_at
from sluicegate.store.principals import SqlitePrincipals
from sluicegate.store.sqlite import SqliteStore
from sluicegate_record.entries import Entry
from sluicegate_record.log import checkpoint, merkle
from tests.store.contract import StoreContract
from tests.store.examples import DONE, ENTRIES, Log
from tests.store.preparations_contract import MADE
from tests.waiting import BOUND_S
from tests.worlds import ORIGIN, private_key

LOG_KEY = private_key("log").public_key().public_bytes_raw()


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        with closing(SqliteStore(tmp_path / "ledger.db")) as store:
            yield store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def verified(store: SqliteStore) -> int:
    """The size of a log whose head is signed and whose tree is that of its entries."""
    head = checkpoint.open_checkpoint(
        store.log.checkpoint(), checkpoint.parse_vkey(checkpoint.vkey(ORIGIN, LOG_KEY))
    )
    frontier = merkle.Frontier()
    for entry in store.log.entries(0, 10_000):
        assert entry == ENTRIES[entry.seq]
        frontier.append(merkle.leaf_hash(entry.leaf))
    assert head.size == store.log.size() == frontier.size
    assert head.root == frontier.root() == merkle.root(head.size, store.log.nodes)
    return head.size


# Durable


def test_everything_is_there_when_opened_again(path):
    with closing(SqliteStore(path)) as store:
        Log(store).append(ENTRIES)
        with store.write() as ports:
            ports.log.remember("cmd_1", DONE)
            ports.principals.add_organization("org_1", "applicant_1", "Example Utility", "US")
        store.principals.add(bytes(32), Principal("agency_1", "agency", "oncd", "oncd"))
        store.feed_keys.certify("feed-1", "{}")
    with closing(SqliteStore(path)) as store:
        assert verified(store) == len(ENTRIES)
        assert store.feed_keys.certificate("feed-1") == "{}"
        assert store.principals.by_token(bytes(32)) == Principal("agency_1", "agency", "oncd", "oncd")
        with store.write() as ports:
            assert ports.log.done("cmd_1") == DONE
            assert ports.principals.organization("applicant_1", "Example Utility", "US") == "org_1"


def test_every_commit_is_synced(path):
    with closing(SqliteStore(path)) as store, store.database.engine.connect() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_name_with_odd_characters_is_a_file_name(tmp_path):
    path = tmp_path / "a folder?mode=memory&x=1#%20é" / "ledger.db"
    path.parent.mkdir()
    with closing(SqliteStore(path)) as store:
        Log(store).append(ENTRIES[:2])
    assert path.exists()


# What is not ours


def unusable(path: Path, match: str = ".") -> StoreUnusable:
    """A file that is refused, and that nothing was written to."""
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    with pytest.raises(StoreUnusable, match=match) as caught:
        SqliteStore(path)
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    "data",
    [b"not a database", b"SQLite format 3\x00" + b"\xff" * 200, b"\x00" * 4096, os.urandom(8192), b"{}\n"],
    ids=["text", "header alone", "zeros", "noise", "json"],
)
def test_a_file_that_is_no_database_is_refused(path, data):
    path.write_bytes(data)
    unusable(path)


def test_a_folder_is_refused(path):
    path.mkdir()
    with pytest.raises((StoreUnusable, StoreUnavailable)):
        SqliteStore(path)


@pytest.mark.parametrize("application_id", [0, 0x0F055112])
@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_the_database_of_another_program_is_refused_and_left_as_it_is(path, application_id, mode):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode={mode}")
        connection.execute(f"PRAGMA application_id={application_id}")
        connection.execute("CREATE TABLE recipes (name TEXT)")
        connection.execute("INSERT INTO recipes VALUES ('soup')")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match="another program"):
        SqliteStore(path)
    assert path.read_bytes() == before
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == (mode.lower(),)
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]


@pytest.mark.parametrize("pragma", [f"application_id={schema.APPLICATION_ID}", "user_version=1"])
def test_an_empty_database_that_somebody_marked_is_refused(path, pragma):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA {pragma}")
        connection.commit()
    unusable(path)


@pytest.mark.parametrize("version", [0, min(schema.STEPS) - 1, schema.VERSION + 1, 99])
def test_another_version_of_the_schema_is_refused(path, version):
    with closing(SqliteStore(path)) as store:
        Log(store).append(ENTRIES[:2])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version={version}")
        connection.commit()
    with pytest.raises(StoreUnusable, match=f"version {version}"):
        SqliteStore(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)


V3 = """
CREATE TABLE incarnations_then (
    gateway VARCHAR(64) NOT NULL, incarnation VARCHAR(64) NOT NULL, surface VARCHAR(64) NOT NULL,
    PRIMARY KEY (gateway, incarnation)
);
INSERT INTO incarnations_then SELECT gateway, incarnation, surface FROM incarnations;
DROP TABLE incarnations;
ALTER TABLE incarnations_then RENAME TO incarnations;
DROP TRIGGER organization_is_named;
DROP TABLE organization_names;
DROP TABLE bare_names;
INSERT INTO organizations VALUES ('org_1', 'applicant_1', 'o''example labs, inc.', 'US');
DROP TABLE feed_keys;
DROP TABLE spent;
DROP TABLE key_uses;
DROP TABLE key_days;
DROP TABLE model_days;
DROP INDEX plans;
INSERT INTO incarnations VALUES ('gateway-1', 'incarnation-1', 'api');
PRAGMA user_version=3;
"""
"""Makes a database one of version 3, before runs of gateways had keys."""


def of_version_3(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        Log(store).append(ENTRIES)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(V3)


def test_what_an_earlier_build_has_counted_stays_without_a_model(path):
    with closing(SqliteStore(path)) as store:
        store.key_uses.count([KeyDay("a", 1, 1, 1)])
    for _ in range(2):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("INSERT INTO key_days VALUES ('a', 1, 2, 3)")
        SqliteStore(path).close()
    with closing(SqliteStore(path)) as store:
        assert store.key_uses.days(["a"], 0) == [KeyDay("a", 1, 5, 7)]


PREPARED = """
CREATE TABLE preparations (
    id TEXT PRIMARY KEY, payload BLOB NOT NULL, maker TEXT NOT NULL, name TEXT NOT NULL,
    at_ms INTEGER NOT NULL, instance TEXT NOT NULL, opened TEXT NOT NULL, signatures TEXT NOT NULL
);
INSERT INTO preparations VALUES ('a', x'7b7d', 'person_anna', 'anna', 5, '', '{"reason": ["c2Fs", "1"]}', '');
"""
"""What a build kept that did not say what a statement rests on: no one can sign it."""


def test_a_statement_of_a_build_that_kept_no_premise_goes_and_others_are_kept(path):
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE to_sign")
        connection.executescript(PREPARED)
    with closing(SqliteStore(path)) as store:
        assert list(store.preparations.all()) == []
        store.preparations.put(MADE)
        assert list(store.preparations.all()) == [MADE]
    assert "preparations" not in columns(path)


def columns(path: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(path)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in tables}


def test_a_database_of_an_older_version_is_brought_up_to_date_with_all_that_is_in_it(path, tmp_path):
    of_version_3(path)
    for _ in range(2):  # the second time there is nothing to do
        with closing(SqliteStore(path)) as store:
            assert verified(store) == len(ENTRIES)
            assert store.feed_keys.has_earlier_runs()
            assert store.principals.organizations(["oexample labs inc"]) == [("org_1", "oexample labs inc")]
            assert [entry.type for entry in store.log.plans()] == ["release.applied"]
    with closing(SqliteStore(path)) as store:
        store.feed_keys.forget_earlier_runs()
        assert not store.feed_keys.has_earlier_runs()
    with closing(SqliteStore(tmp_path / "fresh.db")):
        assert columns(path) == columns(tmp_path / "fresh.db")


WITHOUT_COLLEAGUES = "DROP TABLE colleagues; DROP TABLE inviters;"


def test_who_a_build_without_colleagues_let_in_is_an_administrator_who_came_by_a_token(path):
    staff, agency = (
        Principal("developer_1", "developer", "release"),
        Principal("agency_1", "agency", "o", "oncd"),
    )
    applicant, gateway = (
        Principal("applicant_1", "applicant", "utility"),
        Principal("gateway_1", "gateway", "g"),
    )
    known = [staff, agency, applicant, gateway]
    with closing(SqliteStore(path)) as store:
        for number, each in enumerate(known):
            store.principals.add(bytes([number]) * 32, each)
        store.sign_ins.invite(b"link", applicant.id, 10, 9)
        store.sign_ins.begin(b"secret", PageSession("ses_1", agency.id, "token", "", 1, 1, 100), 9)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(WITHOUT_COLLEAGUES)
    with closing(SqliteStore(path, read_only=True)) as store:  # a feed may be there first
        assert store.principals.by_token(bytes([3]) * 32) == gateway
    for _ in range(2):
        with closing(SqliteStore(path)) as store:
            assert sorted(store.principals.all(), key=lambda each: each.id) == sorted(
                known, key=lambda each: each.id
            )
            assert all(each.administers and each.acts_for in {each.id, "oncd"} for each in known)
            assert [store.principals.by_token(bytes([each]) * 32) for each in range(4)] == known
            assert store.sign_ins.invited(b"link", 1) == applicant.id
            session = store.sign_ins.signed_in(b"secret", 2)
            assert session is not None
            assert session.principal == agency.id
            store.principals.administer(staff.id, administers=False)
            store.principals.administer(staff.id, administers=True)


WITHOUT_INDEX = "DROP TRIGGER organization_is_named; DROP TABLE organization_names;"
NAMED = "INSERT INTO organizations (pseudonym, owner, name, registered_in) VALUES (?, 'applicant_1', ?, 'US')"
"""As a build that does not know the index writes it."""


def test_the_index_of_names_has_what_a_build_without_it_has_written(path):
    with closing(SqliteStore(path)):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(WITHOUT_INDEX)
        connection.execute(NAMED, ("org_1", "example utility"))
        connection.commit()
    with closing(SqliteStore(path)) as store:
        assert list(store.principals.organizations_like("util", 9)) == ["org_1"]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(NAMED, ("org_2", "another utility"))
        connection.commit()
    for _ in range(2):
        with closing(SqliteStore(path)) as store:
            assert sorted(store.principals.organizations_like("util", 9)) == ["org_1", "org_2"]
            assert store.principals.organizations(["another utility"]) == [("org_2", "another utility")]


class Numbered:
    """A session with an index of names: six digits in a row are in every name whose number they divide."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def rows(self, query: str, given: tuple[Any, ...] = ()) -> Sequence[tuple[Any, ...]]:
        self.asked.append(given[0])
        step = int(bytes.fromhex(given[0].partition("x")[2])) if len(given) == 2 else 0
        return [(number,) for number in range(step, 100_000, step)][: given[1]] if step else []


@pytest.mark.parametrize("part", ["000001000300000002000007", "0000020003000007"])
def test_a_name_is_looked_for_by_the_two_rarest_of_its_parts(part):
    session = Numbered()
    SqlitePrincipals(cast(Session, session)).organizations_like(part, 9)
    assert session.asked[-1] == " AND ".join(f"6x{each.encode().hex()}" for each in ("000300", "000007"))


def _counted(steps: Iterator[int]) -> int:
    next(steps)
    return 0


@pytest.mark.parametrize("part", ["zq", "z", "utility 000000", "é1", "\U0001f600"])
def test_what_few_names_have_is_found_in_an_index_however_alike_the_others_are(path, part):
    """No more is done with ten times as many names that do not have it."""
    done = []
    for others in (200, 2_000):
        with closing(SqliteStore(path.with_name(f"{others}.db"))) as store:
            with store.write() as ports:
                for number in range(others):
                    name = f"example utility {number + 100:08d}"
                    ports.principals.add_organization(f"org_{number}", "owner", name, "US")
                ports.principals.add_organization("wanted", "owner", f"a {part}001", "US")
            steps = itertools.count()
            connection = store.database._connect()
            connection.set_progress_handler(partial(_counted, steps), 1)
            store.database._idle.append(connection)
            assert list(store.principals.organizations_like(part, 9)) == ["wanted"]
            done.append(next(steps))
    assert done[1] < 2 * done[0]


def test_one_that_cannot_be_brought_up_to_date_stays_as_it_was(path):
    """Its version says 3, but the column is there already: somebody has been at it."""
    with closing(SqliteStore(path)):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=3")
    before = columns(path)
    with pytest.raises(StoreUnavailable, match="duplicate column"):
        SqliteStore(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
    assert columns(path) == before


def test_an_empty_file_becomes_a_database(path):
    path.touch()
    with closing(SqliteStore(path)) as store:
        assert store.log.size() == 0


def damaged(path: Path, *statements: str) -> SqliteStore:
    """A store whose tables somebody has altered."""
    with closing(SqliteStore(path)) as store:
        Log(store).append(ENTRIES)
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return SqliteStore(path)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DROP TABLE entries", lambda store: store.log.entries(0, 1)),
        ("ALTER TABLE head RENAME COLUMN size TO length", lambda store: store.log.size()),
        ("DROP TABLE principals", lambda store: store.principals.by_token(bytes(32))),
        ("DROP TABLE nodes", lambda store: store.log.nodes([(0, 0)])),
        ("DELETE FROM nodes WHERE level = 0 AND idx = 1", lambda store: store.log.nodes([(0, 1)])),
        ("DELETE FROM head", lambda store: store.log.size()),
        ("DELETE FROM head", lambda store: store.log.checkpoint()),
        ("DROP TABLE incarnations", lambda store: store.feed_keys.has_earlier_runs()),
    ],
)
def test_a_database_with_something_missing_is_unusable(
    path, statement, what: Callable[[SqliteStore], object]
):
    with pytest.raises(StoreUnusable), closing(damaged(path, statement)) as store:
        what(store)


def test_a_database_with_overwritten_pages_is_unusable(path):
    with closing(SqliteStore(path)) as store:
        Log(store).append(ENTRIES)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(StoreUnusable):
        SqliteStore(path).log.entries(0, 100)


# Writes that fail


@contextmanager
def commits_broken(store: SqliteStore, when: str, said: str = "disk I/O error") -> Iterator[None]:
    """Every commit fails: `before` it is done, or `after` it was done."""

    def commit(connection: Connection) -> None:
        if when == "after":
            dbapi: Any = connection.connection.dbapi_connection
            dbapi.execute("COMMIT")
        raise sa.exc.OperationalError("COMMIT", {}, sqlite3.OperationalError(said))

    sa.event.listen(store.database.engine, "commit", commit)
    try:
        yield
    finally:
        sa.event.remove(store.database.engine, "commit", commit)


def write(
    store: SqliteStore, entries: Sequence[Entry], nodes: Sequence[Node], head: str, done: PastCommand = DONE
) -> None:
    with store.write() as ports:
        ports.log.append(entries, nodes, head)
        ports.log.remember("cmd_1", done)


@pytest.mark.parametrize(("when", "size"), [("before", 5), ("after", 9)])
@pytest.mark.parametrize("said", ["disk I/O error", "database or disk is full", "database is locked"])
def test_a_commit_that_fails_is_done_wholly_or_not_at_all(path, when, said, size):
    with closing(SqliteStore(path)) as store:
        log = Log(store)
        log.append(ENTRIES[:5])
        nodes, head = log.grow(ENTRIES[5:9])
        with commits_broken(store, when, said), pytest.raises(StoreUnavailable, match=said):
            write(store, ENTRIES[5:9], nodes, head)
        assert verified(store) == size
    with closing(SqliteStore(path)) as store:
        assert verified(store) == size
        with store.write() as ports:
            assert ports.log.done("cmd_1") == (DONE if when == "after" else None)
            if when == "before":
                ports.log.append(ENTRIES[5:9], nodes, head)
        assert verified(store) == 9


@pytest.mark.parametrize("when", ["before", "after"])
def test_every_other_write_fails_as_what_it_is(path, when):
    with closing(SqliteStore(path)) as store, commits_broken(store, when):
        for write in (
            lambda: store.feed_keys.certify("feed-1", "{}"),
            lambda: store.key_uses.note(["cred_1"], 5),
            lambda: store.key_uses.count([KeyDay("cred_1", 5, 1, 0)]),
            lambda: store.key_uses.forget_days(9, 1),
            store.feed_keys.forget_earlier_runs,
            lambda: store.principals.add(os.urandom(32), Principal(os.urandom(4).hex(), "agency", "oncd")),
            lambda: store.outbox.delivered("msg_1"),
            lambda: store.outbox.put_off("msg_1", 5, "no answer"),
            lambda: store.outbox.bury("msg_1", "no answer"),
            lambda: store.outbox.end_subscription("sub_1", "it said 410"),
        ):
            with pytest.raises(StoreUnavailable):
                write()


def test_a_full_disk_refuses_and_loses_nothing(path):
    """The database may not grow: a real refusal by SQLite, in the middle of a write."""
    with closing(SqliteStore(path)) as store:
        log = Log(store)
        log.append(ENTRIES[:5])

        def limit(connection: sqlite3.Connection, *_: object) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count={pages}")

        sa.event.listen(store.database.engine, "checkout", limit)
        nodes, head = log.grow(ENTRIES[5:])
        with pytest.raises(StoreUnavailable, match="full"):
            write(store, ENTRIES[5:], nodes, head, PastCommand(DONE.request, {"large": "x" * 100_000}))
        assert verified(store) == 5
        sa.event.remove(store.database.engine, "checkout", limit)
    with closing(SqliteStore(path)) as store:
        with store.write() as ports:
            assert ports.log.done("cmd_1") is None
            ports.log.append(ENTRIES[5:], nodes, head)
        assert verified(store) == len(ENTRIES)


def test_a_disk_too_full_to_begin_with(path):
    """No file may grow beyond a few bytes: the database cannot even be made."""
    code = """
import resource, sys
from pathlib import Path
from sluicegate.errors import StoreUnavailable
from sluicegate.store.sqlite import SqliteStore
resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))
try:
    SqliteStore(Path(sys.argv[1]))
except StoreUnavailable as error:
    sys.exit(0 if error.remedy else 4)
sys.exit(5)
"""
    assert (
        subprocess.run([sys.executable, "-c", code, str(path)], timeout=BOUND_S, check=False).returncode == 0
    )
    with closing(SqliteStore(path)) as store:
        assert store.log.size() == 0


READ_ONLY = """
import os, sys
from pathlib import Path
from sluicegate.errors import StoreUnavailable
from sluicegate.store.sqlite import SqliteStore
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
try:
    store = SqliteStore(Path(sys.argv[1]))
    assert store.log.size() == 2, "what is there can be read, or nothing can"
    store.feed_keys.certify("feed-1", "{}")
except StoreUnavailable as error:
    sys.exit(0 if error.remedy else 4)
sys.exit(5)
"""


@pytest.mark.parametrize("folder_mode", [0o555, 0o777])
def test_a_file_that_may_not_be_written_is_refused(folder_mode):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "ledger.db"
        with closing(SqliteStore(path)) as store:
            Log(store).append(ENTRIES[:2])
        path.chmod(0o444)
        folder.chmod(folder_mode)
        done = subprocess.run([sys.executable, "-c", READ_ONLY, str(path)], timeout=BOUND_S, check=False)
        folder.chmod(0o755)
        assert done.returncode == 0
        with closing(SqliteStore(path)) as store:
            assert verified(store) == 2


def test_a_folder_that_is_not_there_is_refused(path):
    with pytest.raises(StoreUnavailable, match="cannot be made"):
        SqliteStore(path.parent / "none" / "ledger.db")


def test_the_files_are_their_owners_alone(path):
    with closing(SqliteStore(path)) as store:
        Log(store).append(ENTRIES[:2])
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


def test_another_process_that_holds_the_head_is_waited_for(path):
    with (
        closing(SqliteStore(path)) as store,
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        letting_go = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
        letting_go.start()
        Log(store).append(ENTRIES[:2])
        letting_go.join(BOUND_S)
        assert verified(store) == 2


def test_a_reader_is_not_held_up_by_a_writer(path):
    with closing(SqliteStore(path)) as store:
        Log(store).append(ENTRIES[:2])
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert verified(store) == 2
            other.execute("ROLLBACK")


# What is in the file


def test_no_secret_is_in_the_file(path):
    with closing(SqliteStore(path)) as store:
        store.principals.add(b"digest-of-a-token-32-bytes-long!", Principal("agency_1", "agency", "oncd"))
        columns = {table.name: set(table.columns.keys()) for table in schema.metadata.tables.values()}
    assert columns["principals"] == {"token_digest", "id", "role", "name", "party"}
    assert not any(
        "token" in column and column != "token_digest" for found in columns.values() for column in found
    )


def test_what_breaks_a_rule_of_the_schema_is_no_fault_of_the_disk(path):
    """A bug of ours must not look like a disk that is full: trying again would not help."""
    with closing(SqliteStore(path)) as store:
        store.principals.add(bytes(32), Principal("agency_1", "agency", "oncd"))
        with pytest.raises(sa.exc.IntegrityError):
            store.principals.add(b"\x01" * 32, Principal("agency_1", "agency", "ostp"))
        Log(store).append(ENTRIES[:2])
        with pytest.raises(sa.exc.IntegrityError):
            Log(store).append(ENTRIES[:2])
        assert verified(store) == 2
        store.feed_keys.certify("feed-1", "{}")


def test_tree_nodes_are_found_by_the_index_however_many_are_asked_for(path):
    rows = [(0, index, index.to_bytes(32, "big")) for index in range(1_100)]
    with closing(SqliteStore(path)) as store:
        with store.write() as ports:
            ports.log.append(ENTRIES[:1], rows, "")
        places = [(level, index) for level, index, _ in rows][::-1]
        assert store.log.nodes(places) == [node for _, _, node in rows][::-1]
    with closing(sqlite3.connect(path)) as file:
        plan = file.execute(f"EXPLAIN QUERY PLAN {nodes_at(2)}", (0, 1, 0, 2)).fetchall()
    assert not [step for *_, step in plan if step.startswith("SCAN n")]
    assert any("SEARCH n USING PRIMARY KEY (level=? AND idx=?)" in step for *_, step in plan)
