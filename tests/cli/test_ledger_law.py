"""A log that its own key has signed for and that is not lawful, checked at the command line."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from demo.fleet import served
from sluicegate import bootstrap
from sluicegate.service.ledger import Ledger
from sluicegate.settings import ControlSettings
from sluicegate.store.sqlite import SqliteStore
from sluicegate_record import law
from tests.cli.commands import Cli, Done
from tests.cli.unlawful import lying, signed
from tests.record.test_audit import UNSIGNED, note, noted
from tests.record.test_copy import FORGED, database
from tests.worlds import LOG, ORIGIN, World, private_key


def exported(cli: Cli, database: Path) -> Path:
    """A copy of what a control plane serves that has this database."""
    folder = database.parent
    ledger = Ledger(
        SqliteStore(database),
        private_key("log"),
        ORIGIN,
        wall_ms=lambda: World().now_ms,
        boot_ms=bootstrap.boot_ms,
        random=secrets.token_bytes,
    )
    with served(bootstrap.Control.over(ControlSettings(folder, folder, ORIGIN, port=0), ledger)) as url:
        done = cli("ledger", "export", "-o", folder / "copy", url=url)
    assert done.code == 0, done
    return folder / "copy"


@pytest.fixture(scope="module")
def lied() -> World:
    return lying()


@pytest.fixture(scope="module")
def copies(cli: Cli, lied: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same log as a database and as a folder."""
    database = signed(lied.entries, tmp_path_factory.mktemp("unlawful"))
    return {"database": database, "folder": exported(cli, database)}


def verify(cli: Cli, where: Path, *options: str) -> Done:
    return cli("ledger", "verify", where, "--key", LOG, *options)


@pytest.mark.parametrize("kind", ["database", "folder"])
def test_a_grant_that_its_positions_do_not_carry_is_named(
    cli: Cli, lied: World, copies: dict[str, Path], kind: str
) -> None:
    (entry,) = [each for each in lied.entries if each.type == "grant.approved"]
    done = verify(cli, copies[kind])
    assert done.code == 5
    assert done.out.startswith("this is the signed log, but not lawful: ")
    assert f"entry {entry.seq} (grant.approved): " in done.out
    assert f"entry {entry.seq} (grant.approved): " in done.err
    assert "lawful: " not in done.out.replace("not lawful: ", "")


@pytest.mark.parametrize("kind", ["database", "folder"])
def test_what_is_unlawful_is_told_to_programs_too(
    cli: Cli, lied: World, copies: dict[str, Path], kind: str
) -> None:
    done = verify(cli, copies[kind], "--json")
    assert (done.code, done.error["code"]) == (5, "verification_failed")
    told: dict[str, Any] = json.loads(done.out)
    assert (told["ok"], told["size"], told["firstBad"]) == (False, len(lied.entries), None)
    (found,) = told["law"]["unlawful"]
    assert told["law"]["unlawfulCount"] == 1
    assert (found["seq"], found["type"], found["rule"]) == (
        lied.entries[-1].seq,
        "grant.approved",
        "is_carried",
    )
    assert found["says"] == law.words("is_carried")
    assert found["why"] in told["problem"]


def test_what_hidden_parts_leave_unchecked_is_counted_and_not_called_lawful(cli: Cli, tmp_path: Path) -> None:
    """To whom a grant is given stands behind a commitment."""
    world = World.opened()
    world.admit()
    database = signed(world.entries, tmp_path)
    done = verify(cli, database)
    assert (done.code, done.err) == (0, "")
    first, name, lawful, *unchecked = done.out.splitlines()
    assert first.startswith(f"verified: {len(world.entries)} entries, root ")
    assert name.startswith(f"log: {ORIGIN}; its last entry is of ")
    told = verify(cli, database, "--json").answer["law"]
    assert told["noRule"] == 0
    said, _, but = lawful.partition(", ")
    assert said == f"lawful: {told['judged']} entries that a rule applies to"
    assert but == "as far as the public parts show"
    assert told["unchecked"] == {"is_of_its_organization": 1, "is_the_applicants": 1}
    (asked,), (given,) = (each["entries"] for each in told["uncheckedAt"])
    assert unchecked == [
        f"not checked, 1 time: {law.words('is_of_its_organization')} (entry {asked})",
        f"not checked, 1 time: {law.words('is_the_applicants')} (entry {given})",
    ]


def test_a_name_in_a_log_writes_no_line_of_its_own(cli: Cli, tmp_path: Path) -> None:
    leaves = noted([{**UNSIGNED, "gateway": FORGED, "size": 0}])
    done = verify(cli, database(tmp_path / "db", head=note(leaves), leaves=leaves))
    assert done.code == 5
    for text in (done.out, done.err):
        assert "\\x1b[2J\\x1b[Hgateway\\nverified: 99 entries\\x00\\u202e" in text
        assert all(line.isprintable() and not line.startswith("verified") for line in text.split("\n"))
