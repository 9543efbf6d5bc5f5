"""The public record in plain words: entries, lists of them, and what came between two sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sluicegate.cli import reading
from sluicegate.errors import InvalidInput, SluicegateError, VerificationFailed
from sluicegate_record.log import checkpoint, merkle, tiles
from sluicegate_record.log.merkle import Frontier
from tests.core.explanations.test_narration import LEAVES
from tests.worlds import ORIGIN, private_key

SIZE = 600


def note(size: int) -> str:
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(merkle.leaf_hash(leaf))
    return checkpoint.sign(ORIGIN, size, frontier.root(), private_key("log"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A log of 600 entries in a folder."""
    folder: Path = tmp_path_factory.mktemp("log")
    for at, (path, width) in enumerate(tiles.entries_paths(SIZE)):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(tiles.encode_entries(LEAVES[at * 256 : at * 256 + width]))
    (folder / "checkpoint").write_text(note(SIZE))
    return folder


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_an_entry_is_shown_with_what_it_says_to_everyone(whole: Path, capsys) -> None:
    reading.show(0, str(whole))
    text = capsys.readouterr().out
    assert text.startswith(f"entry 0 of {SIZE}: the log of openai begins, as log.example/openai\n")
    assert "  developer: openai\n" in text
    with pytest.raises(InvalidInput, match="no entry 600"):
        reading.show(SIZE, str(whole))


def test_the_record_is_listed_newest_first_in_pages(whole: Path, capsys) -> None:
    reading.log(limit=200, where=str(whole), as_json=True)
    first = [each["index"] for each in answer(capsys)["entries"]]
    reading.log(before=first[-1], limit=500, where=str(whole), as_json=True)
    rest = [each["index"] for each in answer(capsys)["entries"]]
    assert [*first, *rest] == [*reversed(range(SIZE))]
    reading.log(limit=500, about="is suspended", where=str(whole), as_json=True)
    assert all("is suspended" in each["words"] for each in answer(capsys)["entries"])


def test_what_came_between_two_sizes_is_grouped_by_what_it_is_about(whole: Path, capsys, tmp_path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text(note(300))
    reading.diff(str(kept), "310", str(whole), as_json=True)
    found = answer(capsys)
    assert (found["from"], found["to"], len(found["entries"])) == (300, 310, 10)
    reading.diff("300", "310", str(whole))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("from 300 to 310 entries: ")
    abouts = [line for line in lines[1:] if not line.startswith(" ")]
    assert sorted(abouts) == sorted({each["about"] for each in found["entries"]})
    with pytest.raises(InvalidInput, match="is later"):
        reading.diff("310", "300", str(whole))
    with pytest.raises(InvalidInput, match="not 601"):
        reading.diff("601", "", str(whole))


def test_the_full_bundle_serves_where_the_partial_one_is_gone(whole: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "checkpoint").write_text(note(300))
    full = tmp_path / "tile/entries/001"
    full.parent.mkdir(parents=True)
    full.write_bytes((whole / "tile/entries/001").read_bytes())
    reading.show(299, str(tmp_path))
    assert "entry 299 of 300" in capsys.readouterr().out


DAMAGED = {
    "a checkpoint of nothing": ("checkpoint", b"", InvalidInput),
    "a checkpoint of words": ("checkpoint", b"a\nb\nc\n", InvalidInput),
    "a huge checkpoint": ("checkpoint", b"a\n" + b"9" * 5_000 + b"\n\n", InvalidInput),
    "an empty bundle": ("tile/entries/000", b"", VerificationFailed),
    "a bundle of other bytes": ("tile/entries/000", b"\xff" * 500, VerificationFailed),
    "a bundle of other entries": (
        "tile/entries/000",
        tiles.encode_entries(LEAVES[1:257]),
        VerificationFailed,
    ),
    "a bundle of text": ("tile/entries/000", tiles.encode_entries([b"{}"] * 256), VerificationFailed),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_log_is_no_log(whole: Path, tmp_path: Path, case: str) -> None:
    path, data, kind = DAMAGED[case]
    for name in ("checkpoint", "tile/entries/000"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data if name == path else (whole / name).read_bytes())
    with pytest.raises(kind):
        reading.show(3, str(tmp_path))


def test_what_is_no_folder_and_no_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SluicegateError, match="neither a folder nor a URL"):
        reading.show(0, str(tmp_path / "none"))
