"""An excerpt of a log: what is verified, and every lie that must not be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sluicegate_record import __main__ as command
from sluicegate_record import excerpt
from sluicegate_record.errors import BadCheckpoint, BadProof, InvalidInput, VerificationFailed
from sluicegate_record.log import canonical, checkpoint, merkle, times
from sluicegate_record.log.merkle import Frontier
from tests.worlds import LOG, ORIGIN, World, private_key

VERIFIER = checkpoint.parse_vkey(LOG)


def made(*places: int) -> dict[str, Any]:
    """An excerpt of a small log."""
    world = World.opened()
    world.admit()
    frontier, nodes = Frontier(), dict[tuple[int, int], bytes]()
    for entry in world.entries:
        for level, index, node in frontier.append(merkle.leaf_hash(entry.leaf)):
            nodes[level, index] = node
    size = len(world.entries)

    def read(asked: Any) -> list[bytes]:
        return [nodes[place] for place in asked]

    rows = [
        {
            "seq": seq,
            "at": times.format_time(world.entries[seq].at_ms),
            "type": world.entries[seq].type,
            "text": "for people",
            "leaf": world.entries[seq].leaf.decode(),
            "proof": [canonical.b64(each) for each in merkle.inclusion_proof(seq, size, read)],
        }
        for seq in places or range(size)
    ]
    note = checkpoint.sign(ORIGIN, size, frontier.root(), private_key("log"))
    return {"allowed": True, "share": 0.5, "entries": rows, "checkpoint": note}


def test_every_entry_of_a_log_is_proven_in_its_order() -> None:
    value = made()
    value["entries"].reverse()
    found = excerpt.verify(value, VERIFIER)
    assert [each.seq for each in found.entries] == list(range(len(value["entries"])))
    assert found.head.size == len(value["entries"])


def _other_leaf(value: dict[str, Any]) -> None:
    value["entries"][0]["leaf"] = value["entries"][1]["leaf"]


def _other_place(value: dict[str, Any]) -> None:
    value["entries"][0]["seq"] = 4


def _changed(value: dict[str, Any]) -> None:
    value["entries"][0]["leaf"] = value["entries"][0]["leaf"].replace("gpt-5.6", "gpt-5.7")


def _short(value: dict[str, Any]) -> None:
    value["entries"][0]["proof"].pop()


def _other_type(value: dict[str, Any]) -> None:
    value["entries"][0]["type"] = "grant.ended"


def _other_time(value: dict[str, Any]) -> None:
    value["entries"][0]["at"] = "2026-01-01T00:00:00.000Z"


def _smaller(value: dict[str, Any]) -> None:
    value["checkpoint"] = checkpoint.sign(ORIGIN, 3, bytes(32), private_key("log"))


def _other_root(value: dict[str, Any]) -> None:
    size = excerpt.verify(value, VERIFIER).head.size
    value["checkpoint"] = checkpoint.sign(ORIGIN, size, bytes(32), private_key("log"))


def _other_key(value: dict[str, Any]) -> None:
    head = excerpt.verify(value, VERIFIER).head
    value["checkpoint"] = checkpoint.sign(ORIGIN, head.size, head.root, private_key("another"))


@pytest.mark.parametrize(
    ("lie", "error"),
    [
        (_other_leaf, BadProof),
        (_other_place, BadProof),
        (_changed, BadProof),
        (_short, BadProof),
        (_other_type, VerificationFailed),
        (_other_time, VerificationFailed),
        (_smaller, BadProof),
        (_other_root, BadProof),
        (_other_key, BadCheckpoint),
    ],
)
def test_a_lie_is_found(lie: Any, error: type[Exception]) -> None:
    value = made(6, 7, 10)
    assert len(excerpt.verify(value, VERIFIER).entries) == 3
    lie(value)
    with pytest.raises(error):
        excerpt.verify(value, VERIFIER)


@pytest.mark.parametrize(
    "change",
    [
        {"checkpoint": None},
        {"entries": None},
        {"entries": {}},
        {"entries": [None]},
        {"entries": [{"seq": 1}]},
        {"entries": [{"seq": True, "leaf": "", "proof": []}]},
        {"entries": [{"seq": 1, "leaf": "", "proof": [1]}]},
        {"entries": [{"seq": 1, "leaf": "", "proof": ["?"]}]},
        {"entries": [{}] * (excerpt.ENTRIES_MAX + 1)},
    ],
)
def test_what_is_no_excerpt_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        excerpt.verify({**made(1), **change}, VERIFIER)
    others: list[Any] = [None, [], "x", {}]
    for other in others:
        with pytest.raises(InvalidInput):
            excerpt.verify(other, VERIFIER)


def test_the_command_says_what_is_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value, file = made(6, 10), tmp_path / "why.json"
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False))
    assert command.main(["check", str(file), "--key", LOG]) == 0
    said = capsys.readouterr().out
    assert said.startswith("verified: 2 entries are in the log log.example/openai")
    assert "release.applied" in said
    assert command.main(["check", str(file), "--key", LOG, "--json"]) == 0
    assert [each["seq"] for each in json.loads(capsys.readouterr().out)["entries"]] == [6, 10]
    _changed(value)
    file.write_text(json.dumps(value))
    assert command.main(["check", str(file), "--key", LOG]) == command.FAILED
    for text in ("", "[]", "{", '{"checkpoint": 1}', "\0"):
        file.write_text(text)
        assert command.main(["check", str(file), "--key", LOG, "--json"]) == command.NOT_A_LOG
        assert json.loads(capsys.readouterr().err.splitlines()[-1])["error"]["code"]
    assert command.main(["check", str(tmp_path / "none"), "--key", LOG]) == command.NOT_A_LOG
    assert command.main(["check", str(tmp_path), "--key", LOG]) == command.NOT_A_LOG
