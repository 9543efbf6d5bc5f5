"""A checkpoint that was kept, and a log that must continue from it, by command line alone."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sluicegate_record.log import checkpoint, merkle
from sluicegate_record.log.merkle import Frontier
from tests.cli.timed import TimedPlane, timed_plane
from tests.worlds import ORIGIN, private_key


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path) as made:
        yield made


def kept(plane: TimedPlane, name: str = "kept.txt") -> Path:
    file = plane.folder / name
    said = plane.text("ledger", "checkpoint", "--key", plane.vkey, "--save", file, by=None)
    assert said == f"the checkpoint of {plane.ledger.size()} entries is in {file}; keep it\n"
    return file


def test_a_log_continues_from_a_checkpoint_that_was_kept(plane):
    file, size = kept(plane), plane.ledger.size()
    plane.submit("Example Utility")
    verify = ("ledger", "verify", plane.url, "--key", plane.vkey, "--since", file)
    assert f"\nit continues from the checkpoint of {size} entries that was kept\n" in plane.text(
        *verify, by=None
    )
    assert plane.answer(*verify, by=None)["since"] == size < plane.ledger.size()


def test_a_checkpoint_is_shown_as_it_was_signed_and_no_file_is_overwritten(plane):
    file = kept(plane)
    assert plane.text("ledger", "checkpoint", "--key", plane.vkey, by=None) == file.read_text()
    again = plane.error("ledger", "checkpoint", "--key", plane.vkey, "--save", file, by=None)
    assert "exists already" in again["message"]
    other = checkpoint.vkey(ORIGIN, private_key("other").public_key().public_bytes_raw())
    refused = plane("ledger", "checkpoint", "--key", other, "--save", plane.folder / "not.txt", by=None)
    assert refused.code == 5
    assert not (plane.folder / "not.txt").exists()


def signed(leaves: list[bytes]) -> str:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(merkle.leaf_hash(leaf))
    return checkpoint.sign(ORIGIN, frontier.size, frontier.root(), private_key("log"))


@pytest.mark.parametrize("how", ["rewritten", "shortened"])
def test_a_log_that_was_rewritten_or_shortened_is_found_out(plane, how):
    leaves = list(plane.ledger.store.log.leaves(0, plane.ledger.size()))
    if how == "rewritten":
        text, problem = signed([*leaves[:-1], secrets.token_bytes(9)]), "the log was rewritten"
    else:
        text, problem = (
            signed([*leaves, b"{}"]),
            f"it has {len(leaves)}, and the checkpoint that was kept is of",
        )
    verify = ("ledger", "verify", plane.url, "--key", plane.vkey, "--since", plane.file("kept.txt", text))
    done = plane(*verify, by=None)
    assert done.code == 5
    assert problem in done.err
    assert "NOT the signed log" not in done.out


@pytest.mark.parametrize("what", ["no file", "a folder", "text", "of another key"])
def test_what_is_no_checkpoint_of_this_log_is_refused(plane, what):
    file = plane.folder / "kept.txt"
    if what == "a folder":
        file.mkdir()
    elif what == "text":
        file.write_text("39 entries\n")
    elif what == "of another key":
        file.write_text(checkpoint.sign(ORIGIN, 0, merkle.EMPTY_ROOT, private_key("other")))
    done = plane("ledger", "verify", plane.url, "--key", plane.vkey, "--since", file, by=None)
    assert done.code == 3
    assert "--since" in done.err
    assert "what to do: 'sluicegate ledger checkpoint --key KEY --save FILE' keeps one" in done.err
    shutil.rmtree(file, ignore_errors=True)
