"""Writes tests/vectors/merkle/*.json from the slow reference: `python -m tests.vectors.make_merkle`.

Each file is a list of cases, most of them wrong in one way, which `desc` says. Hashes are hex. The leaf with
index i holds the text "leaf i".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.record.rfc6962_reference import mth, path, proof

FOLDER = Path(__file__).parent / "merkle"
OTHER = "5a" * 32

Case = dict[str, Any]


def leaves(size: int) -> list[bytes]:
    return [b"leaf %d" % index for index in range(size)]


def vectors() -> dict[str, list[Case]]:
    """The content of each file, by name."""
    return {
        "inclusion.json": [*inclusion(0, 1), *inclusion(0, 8), *inclusion(5, 7), *inclusion(6, 7)],
        "consistency.json": [*empty(), *consistency(3, 7), *consistency(4, 7), *consistency(6, 6)],
    }


def inclusion(index: int, size: int) -> Iterator[Case]:
    """A right case and what can be done to it."""
    right = {
        "desc": f"leaf {index} of {size}",
        "index": index,
        "size": size,
        "leaf": mth(leaves(size)[index : index + 1]).hex(),
        "proof": [each.hex() for each in path(index, leaves(size))],
        "root": mth(leaves(size)).hex(),
        "want_err": False,
    }
    yield right
    yield wrong(right, "the leaf after it", index=index + 1)
    yield wrong(right, "the leaf before it", index=index - 1)
    yield wrong(right, "an index two off", index=index ^ 2)
    yield wrong(right, "an index beyond the tree", index=size)
    yield wrong(right, "a tree twice the size", size=size * 2)
    yield wrong(right, "a tree of no leaves", size=0)
    yield wrong(right, "a tree of negative size", size=-size)
    yield wrong(right, "the root of the next size", root=mth(leaves(size + 1)).hex())
    yield wrong(right, "another leaf", leaf=OTHER)
    yield wrong(right, "leaf content instead of its hash", leaf=leaves(size)[index].hex())
    yield wrong(right, "no leaf", leaf="")
    yield wrong(right, "no root", root="")
    yield wrong(right, "a root cut short", root=str(right["root"])[:-2])
    yield from damaged(right)


def consistency(first: int, second: int) -> Iterator[Case]:
    """A right case and what can be done to it."""
    right = {
        "desc": f"{first} leaves, then {second}",
        "first": first,
        "second": second,
        "proof": [each.hex() for each in proof(first, leaves(second))],
        "first_root": mth(leaves(first)).hex(),
        "second_root": mth(leaves(second)).hex(),
        "want_err": False,
    }
    yield right
    yield wrong(right, "one leaf less at first", first=first - 1)
    yield wrong(right, "one leaf more at first", first=first + 1)
    yield wrong(right, "nothing at first, with the first root", first=0)
    yield wrong(right, "a negative size at first", first=-first)
    yield wrong(right, "a second tree twice the size", second=second * 2)
    yield wrong(right, "a second tree smaller than the first", second=first - 1)
    yield wrong(right, "another first root", first_root=OTHER)
    yield wrong(right, "another second root", second_root=OTHER)
    if first != second:
        roots = {"first_root": right["second_root"], "second_root": right["first_root"]}
        yield wrong(right, "the roots exchanged", **roots)
    yield wrong(right, "no first root", first_root="")
    yield wrong(right, "no second root", second_root="")
    yield wrong(right, "a second root cut short", second_root=str(right["second_root"])[:-2])
    yield from damaged(right)


def empty() -> Iterator[Case]:
    """The empty tree is a prefix of every tree, and nothing is sent to show it."""
    nothing, something = mth([]).hex(), mth(leaves(5)).hex()
    right = {
        "desc": "no leaves, then 5",
        "first": 0,
        "second": 5,
        "proof": [],
        "first_root": nothing,
        "second_root": something,
        "want_err": False,
    }
    yield right
    yield {**right, "desc": "no leaves, then none", "second": 0, "second_root": nothing}
    yield wrong(right, "a proof where none is needed", proof=[something])
    yield wrong(right, "another first root", first_root=something)
    yield wrong(right, "no second root", second_root="")
    yield wrong(right, "none after all, with another root", second=0)


def damaged(right: Case) -> Iterator[Case]:
    """What can be done to any proof."""
    hashes = right["proof"]
    yield wrong(right, "a hash put before the proof", proof=[OTHER, *hashes])
    yield wrong(right, "a hash put after the proof", proof=[*hashes, OTHER])
    for place, each in enumerate(hashes):
        flipped = f"{int(each[:2], 16) ^ 1:02x}{each[2:]}"
        yield wrong(right, f"a bit of hash {place} flipped", proof=replaced(hashes, place, [flipped]))
        yield wrong(right, f"hash {place} left out", proof=replaced(hashes, place, []))
        yield wrong(right, f"hash {place} cut short", proof=replaced(hashes, place, [each[:-2]]))
        yield wrong(right, f"hash {place} empty", proof=replaced(hashes, place, [""]))
    if len(hashes) > 1:
        yield wrong(right, "the proof from its other end", proof=hashes[::-1])
        yield wrong(right, "no proof", proof=[])


def wrong(right: Case, what: str, **changes: Any) -> Case:
    return {**right, **changes, "desc": f"{right['desc']}: {what}", "want_err": True}


def replaced(hashes: list[str], place: int, by: list[str]) -> list[str]:
    return [*hashes[:place], *by, *hashes[place + 1 :]]


def main() -> None:
    for name, cases in vectors().items():
        FOLDER.joinpath(name).write_text(json.dumps(cases, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
