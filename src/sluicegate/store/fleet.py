"""What feeds know of the fleet, in SQL: one file a feed, `feeds/NAME/fleet.db` beside the ledger.

Rules:
- A feed alone writes its file; the writer of the ledger reads the files of all.
- A feed whose folder was deleted is unknown: delete one only when its last lease has ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sluicegate.errors import StoreUnavailable, StoreUnusable
from sluicegate.ports import NO_PARTS, Allotment, Budget, FeedRecord, FeedTerm, Run
from sluicegate.store.database import BEING_MADE, Database, Schema
from sluicegate_record.log import canonical

FEEDS = "feeds"
"""The folder of the feeds, in a state folder."""
FILE = "fleet.db"

_metadata = sa.MetaData()
_terms = sa.Table(
    "terms",
    _metadata,
    sa.Column("feed", sa.String(64), primary_key=True),
    sa.Column("boot", sa.String(64), nullable=False),
    sa.Column("key", sa.LargeBinary, nullable=False),
    sa.Column("gives_until_ms", sa.Float, nullable=False),
    sa.Column("longest_lease_ms", sa.BigInteger, nullable=False),
)
_runs = sa.Table(
    "runs",
    _metadata,
    sa.Column("gateway", sa.String(64), primary_key=True),
    sa.Column("incarnation", sa.String(64), primary_key=True),
    sa.Column("surface", sa.String(64), nullable=False),
    sa.Column("key", sa.LargeBinary, nullable=True),
    sa.Column("leased", sa.Boolean, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=True),
    sa.Column("ask", sa.Text, nullable=True),
    sa.Column("sig", sa.String(88), nullable=True),
    sa.Column("cut", sa.LargeBinary, nullable=False),
    sa.Column("drifted", sa.String(8), nullable=True),
    sa.Column("ended_ms", sa.BigInteger, nullable=True),
)
_parts = sa.table("parts", sa.column("surface"), sa.column("begin"), sa.column("end"), sa.column("spender"))
_budgets = sa.table("budgets", *map(sa.column, Budget._fields))
FLEET = Schema(
    application_id=0x534C4746,
    version=1,
    metadata=_metadata,
    made=(
        """CREATE TABLE IF NOT EXISTS parts (
             surface VARCHAR(64), "begin" INTEGER, "end" INTEGER NOT NULL, spender VARCHAR(64) NOT NULL,
             PRIMARY KEY (surface, "begin")) WITHOUT ROWID""",
        """CREATE TABLE IF NOT EXISTS budgets (
             stage VARCHAR(127), day INTEGER, spender VARCHAR(64), most BIGINT NOT NULL,
             PRIMARY KEY (stage, day, spender)) WITHOUT ROWID""",
    ),
)
"""The id marks a SQLite file as a feed's: "SLGF"."""
_FORGET_TERM, _ADD_TERM = sa.delete(_terms), sa.insert(_terms)
_FORGET_RUN = sa.delete(_runs).where(
    _runs.c.gateway == sa.bindparam("of_gateway"), _runs.c.incarnation == sa.bindparam("of_incarnation")
)
_ADD_RUN, _TERM, _RUNS = sa.insert(_runs), sa.select(_terms), sa.select(_runs)
_FORGET_PARTS = sa.delete(_parts).where(_parts.c.surface == sa.bindparam("of_surface"))
_ADD_PARTS = sa.insert(_parts)
_PARTS = sa.select(_parts.c.surface, _parts.c.spender, _parts.c.begin, _parts.c.end).order_by(
    _parts.c.surface, _parts.c.begin
)


_BUDGETS = sa.select(*_budgets.c)
_FORGET_BUDGET = sa.delete(_budgets).where(
    _budgets.c.stage == sa.bindparam("of_stage"),
    _budgets.c.day == sa.bindparam("of_day"),
    _budgets.c.spender == sa.bindparam("of_spender"),
)
_ADD_BUDGET = sa.insert(_budgets)


class SqliteFeedRegister:
    """`ports.FeedRegister` on one file, which is made if it does not exist, unless it is only read.

    Raises: StoreUnusable: the file is not a feed's. StoreUnavailable: it cannot be made, or is not there.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._database = Database(path, FLEET, read_only=read_only)

    def load(self) -> FeedRecord:
        """What was committed last."""
        self._database.check_file()
        with self._database.reading() as connection:
            term = connection.execute(_TERM).one_or_none()
            runs = [_run(row) for row in connection.execute(_RUNS)]
        return FeedRecord(None if term is None else FeedTerm(*term), runs)

    def term(self) -> FeedTerm | None:
        """The term that was committed last."""
        self._database.check_file()
        with self._database.reading() as connection:
            term = connection.execute(_TERM).one_or_none()
        return None if term is None else FeedTerm(*term)

    def allotments(self) -> Sequence[Allotment]:
        """Those that were committed last."""
        with self._database.reading() as connection:
            return [Allotment(*row) for row in connection.execute(_PARTS)]

    def budgets(self) -> Sequence[Budget]:
        """Those that were committed and not forgotten."""
        with self._database.reading() as connection:
            return [Budget(*row) for row in connection.execute(_BUDGETS)]

    def commit(
        self,
        term: FeedTerm,
        runs: Sequence[Run],
        gone: Sequence[Run],
        parts: Mapping[str, Sequence[Allotment]] = NO_PARTS,
        budgets: Sequence[Budget] = (),
    ) -> None:
        """Note the term, some runs, all allotments of some surfaces, some budgets; forget what is gone."""
        self._database.check_file()
        with self._database.writing() as connection:
            connection.execute(_FORGET_TERM)
            connection.execute(
                _ADD_TERM,
                {
                    "feed": term.feed,
                    "boot": term.boot,
                    "key": term.key,
                    "gives_until_ms": term.gives_until_ms,
                    "longest_lease_ms": term.longest_lease_ms,
                },
            )
            _forget(connection, [*runs, *gone])
            if runs:
                connection.execute(_ADD_RUN, [_row(run) for run in runs])
            for surface, allotments in parts.items():
                connection.execute(_FORGET_PARTS, {"of_surface": surface})
                if allotments:
                    connection.execute(_ADD_PARTS, [each._asdict() for each in allotments])
            _write_budgets(connection, budgets)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()


class SqliteFeeds:
    """`ports.Feeds`: the files below a state folder's `feeds`. A file that appears is read from then on."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / FEEDS
        self._open: dict[str, SqliteFeedRegister] = {}

    def records(self) -> Sequence[FeedRecord]:
        """One record a feed."""
        try:
            known = sorted(self._folder.iterdir()) if self._folder.exists() else []
            return [self._record(folder) for folder in known if (folder / FILE).exists()]
        except OSError as error:
            raise StoreUnavailable(f"the feeds in {self._folder} cannot be read: {error.strerror}") from error

    def terms(self, but: str) -> Mapping[str, FeedTerm | None]:
        """The term of every feed but one; None of one that cannot be read now, or has none yet."""
        try:
            known = [each.name for each in self._folder.iterdir() if (each / FILE).exists()]
        except FileNotFoundError:
            known = []
        return {name: self._term(name) for name in sorted(known) if name != but}

    def _term(self, name: str) -> FeedTerm | None:
        try:
            if name not in self._open:
                self._open[name] = SqliteFeedRegister(self._folder / name / FILE, read_only=True)
            return self._open[name].term()
        except (StoreUnavailable, StoreUnusable):
            return None

    def close(self) -> None:
        """Close every connection."""
        for register in self._open.values():
            register.close()
        self._open.clear()

    def _record(self, folder: Path) -> FeedRecord:
        register = self._open.get(folder.name)
        if register is None:
            try:
                register = self._open[folder.name] = SqliteFeedRegister(folder / FILE, read_only=True)
            except StoreUnavailable as error:
                if error.code != BEING_MADE:
                    raise
                return FeedRecord(None, [])  # it has given no lease yet
        found = register.load()
        if found.term is not None and found.term.feed != folder.name:
            raise StoreUnusable(
                f"{folder / FILE} is of the feed {found.term.feed!r}, and lies in the folder {folder.name!r}",
                remedy="take copies of feeds' folders out of the state folder",
            )
        return found


def _forget(connection: Connection, runs: Sequence[Run]) -> None:
    if runs:
        names = [{"of_gateway": run.gateway, "of_incarnation": run.incarnation} for run in runs]
        connection.execute(_FORGET_RUN, names)


def _write_budgets(connection: Connection, budgets: Sequence[Budget]) -> None:
    if budgets:
        names = [{"of_stage": each.stage, "of_day": each.day, "of_spender": each.spender} for each in budgets]
        connection.execute(_FORGET_BUDGET, names)
    rows = [each._asdict() for each in budgets if each.most]
    if rows:
        connection.execute(_ADD_BUDGET, rows)


def _row(run: Run) -> dict[str, Any]:
    return {column.name: getattr(run, column.name) for column in _runs.c} | {"cut": canonical.dumps(run.cut)}


def _run(row: sa.Row[Any]) -> Run:
    values = row._asdict()
    return Run(**values | {"cut": canonical.loads(values["cut"])})
