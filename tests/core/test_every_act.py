"""A log made by an earlier build, with every act in it: this build makes it again, and the same of it."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from functools import cache
from typing import Any

import pytest

from sluicegate.core import lifecycle
from sluicegate_record.entries import TYPES, Entry
from sluicegate_record.log import canonical, checkpoint, merkle
from sluicegate_record.statements.cases import DECISIONS, POSITIONS
from sluicegate_record.statements.notes import NOTES
from sluicegate_record.statements.points import ENFORCEMENTS
from sluicegate_record.terms import kinds
from tests.vectors import older
from tests.vectors.acts import history
from tests.vectors.make_every_act import (
    FOLDER,
    added_up,
    entry_json,
    read_entry,
    signed_head,
    sizes,
    stored,
    stored_entries,
    stored_trust,
    trust_file,
)
from tests.vectors.projection import plain, projected, proofs, reports_of, state_sections
from tests.worlds import LOG, LOG_3, log_vkey

VERIFIER = checkpoint.parse_vkey(LOG)
"""Its first key. Two others have followed it."""


@cache
def entries() -> list[Entry]:
    """The stored log, its openings checked."""
    return [read_entry(line) for line in stored_entries()]


# The same commands, times and entropy


def test_the_same_commands_give_the_same_entries_byte_for_byte() -> None:
    made = history().entries
    for entry, line in itertools.zip_longest(made, stored_entries()):
        assert entry is not None
        assert canonical.dumps(entry_json(entry)) == line, f"entry {entry.seq}, a {entry.type}"


def test_the_same_commands_give_the_same_results_and_refusals() -> None:
    for given, expected in itertools.zip_longest(history().results, stored("results.jsonl")):
        assert plain(_as_then(given)) == expected


def _as_then(given: dict[str, Any]) -> dict[str, Any]:
    """What a command gave, without what results of the earlier build did not say: whose act it was, what a
    plan leads to, the names of its models and stages in their order, a list inside a list, and that the
    result of an evaluation ended no case.
    """
    if "result" not in given:
        return given
    told = {name: each for name, each in given["result"].items() if name not in _SAID_BESIDE}
    if "changes" in told:
        told["changes"] = [each for each in told["changes"] if not _SAID_SINCE.fullmatch(each["field"])]
    if "counts" in told and not told.get("superseded", True):
        del told["superseded"]
    return {**given, "result": told}


_SAID_BESIDE = {"transcribed", "officers", "toAgree", "retargeted"}
_SAID_SINCE = re.compile(r"spec\.(models|stages)|.*\.clock\.to")


def test_the_history_is_signed_as_it_was() -> None:
    leaves = [entry.leaf for entry in history().entries]
    assert signed_head(leaves, LOG_3) == FOLDER.joinpath("checkpoint").read_text()


# The same entries


def test_the_stored_entries_give_the_same_state_table_and_decisions() -> None:
    """At every stored size; a gateway that checks signatures honours and finds the same too."""
    assert trust_file() == stored("trust.json")
    found = projected(entries(), stored_trust(), sizes(entries()))
    for (size, sections), (of, expected) in itertools.zip_longest(found, added_up(stored("expected.jsonl"))):
        assert size == of
        assert sections.keys() == expected.keys()
        for name, items in sections.items():
            assert items == expected[name], f"{name} at size {size}"


def test_the_state_that_decided_is_the_one_that_its_entries_give() -> None:
    *_, (_, expected) = added_up(stored("expected.jsonl"))
    for name, items in plain(state_sections(history().state)).items():
        assert items == expected.get(name, {}), name


def test_the_stored_entries_give_the_same_reports() -> None:
    assert plain(reports_of(entries())) == stored("reports.json")


def test_the_stored_leaves_give_the_same_proofs_and_pass_the_audit() -> None:
    leaves, note = [entry.leaf for entry in entries()], FOLDER.joinpath("checkpoint").read_text("utf-8")
    assert checkpoint.open_checkpoint(note, checkpoint.parse_vkey(log_vkey(LOG_3))).size == len(leaves)
    found = plain(proofs(leaves, note, VERIFIER))
    assert found == stored("proofs.json")
    assert (found["audit"]["ok"], found["audit"]["proofs"]) == (True, 3)


def test_the_stored_proofs_verify() -> None:
    kept, leaves = stored("proofs.json"), [entry.leaf for entry in entries()]
    roots = {int(size): bytes.fromhex(root) for size, root in kept["roots"].items()}
    for about, hashes in kept["inclusion"].items():
        index, size = map(int, about.split(" in "))
        merkle.verify_inclusion(merkle.leaf_hash(leaves[index]), index, size, _bytes(hashes), roots[size])
    for about, hashes in kept["consistency"].items():
        first, second = map(int, about.split(" to "))
        merkle.verify_consistency(first, second, _bytes(hashes), roots[first], roots[second])


def _bytes(hashes: list[str]) -> list[bytes]:
    return [bytes.fromhex(each) for each in hashes]


# Every act


def publics(type_: str) -> list[Any]:
    return [entry.public for entry in entries() if entry.type == type_]


def test_every_type_of_entry_is_in_it() -> None:
    counted = Counter(entry.type for entry in entries())
    assert counted.keys() == TYPES.keys()
    assert len(TYPES) == 88


def test_every_command_is_in_it_and_has_been_done() -> None:
    done = {each["command"] for each in stored("results.jsonl") if "result" in each}
    commands = {command.__name__ for command in lifecycle.COMMANDS}
    assert done == commands | {command.__name__ for command in older.DECIDES}
    assert len(commands) == 78


def test_every_kind_of_case_and_every_outcome_is_in_it() -> None:
    kind_of = {public["case"]: public["kind"] for public in publics("case.opened")}
    ended = Counter((kind_of[each["case"]], each["outcome"]) for each in publics("case.determined"))
    assert {kind for kind, _ in ended} == kinds.KINDS.keys()
    assert {outcome for _, outcome in ended} == set(kinds.OUTCOMES)
    assert len(ended) == 39


@pytest.mark.parametrize(
    ("type_", "field", "expected"),
    [
        ("position.recorded", "position", set(POSITIONS)),
        ("case.silent", "meaning", {"wait", "no-objection", "deny", "unopposed"}),
        ("case.screened", "decision", set(DECISIONS)),
        ("record.added", "kind", set(NOTES)),
        ("point.stated", "says", set(ENFORCEMENTS)),
        ("promise.broken", "how", {"act", "time"}),
        ("grant.ended", "how", {"expired", "removed", "surrendered"}),
        ("case.opened", "basis", {"voluntary", "agreed", "order", None}),
    ],
)
def test_every_word_of_an_entry_is_in_it(type_: str, field: str, expected: set[str]) -> None:
    assert {public.get(field) for public in publics(type_)} == expected


def test_both_modes_and_every_kind_of_rule_are_in_it() -> None:
    modes = {public.get("procedure", {}).get("mode") for public in publics("case.opened")}
    rules = {operator for public in publics("case.opened") for operator in public["rule"]}
    assert modes == {"approve", "notify", None}
    assert rules == {"allOf", "anyOf", "atLeast", "majorityOf"}
