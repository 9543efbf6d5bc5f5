"""The law as an auditor has it: over a log with every act in it, whole and with parts withheld."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import pytest

from sluicegate_record import law
from sluicegate_record.audit import BREACHES_MAX, Judge, Judgement, audit
from sluicegate_record.entities.case import Case
from sluicegate_record.entries import Entry, read, releases
from sluicegate_record.law import RULES, Breach, Support, Unchecked
from sluicegate_record.log import checkpoint
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.record import Record
from tests.forging import forged, openings, told
from tests.vectors.make_every_act import FOLDER, read_entry, record_of, stored_entries
from tests.worlds import LOG, World

WIDENS_NOTHING = {"grant.ended", "case.determined", "directive.issued"}


@cache
def stored() -> list[Entry]:
    return [read_entry(line) for line in stored_entries()]


def judged(entries: Iterable[Entry], log: str = LOG) -> Judgement:
    judge = Judge(log)
    for entry in entries:
        judge.take(entry)
    return judge.judged()


def before(seq: int) -> Record:
    """The record of the stored log before an entry."""
    return record_of(stored()[:seq])


def verdict(entry: Entry, support: Support = Support.RECORD) -> Breach | Unchecked | None:
    record = before(entry.seq)
    return law.breach(record, entry, record.pinned(), record.log, support)


def of_type(type_: str, **public: Any) -> Entry:
    return next(e for e in stored() if e.type == type_ and public.items() <= e.public.items())


# A log that is lawful


def test_whoever_has_everything_finds_nothing_unlawful_and_nothing_unchecked() -> None:
    found = judged(stored())
    assert (found.unlawful, found.unlawful_count, found.unchecked) == ((), 0, {})
    assert found.entries == sum(type(entry.body) in RULES[1] for entry in stored())


def test_whoever_has_the_leaves_alone_finds_nothing_unlawful_and_counts_what_it_could_not_check() -> None:
    found = judged(read(entry.leaf) for entry in stored())
    assert (found.unlawful, found.unlawful_count) == ((), 0)
    hidden = [e for e in stored() if e.type == "release.applied" and "plan" not in e.public]
    assert found.unchecked == {
        "is_of_the_release": len(hidden),
        "states_its_terms": len(hidden),
        "can_be_raised": len(hidden),
        "is_raised_as_designated": len(hidden),
        "is_the_applicants": sum(e.type == "grant.approved" for e in stored()),
        "asks_by_its_rule": 6,
        "goes_by_its_terms": 1,
        "opens_terms_in_force": 1,
        "is_agreed_to": 1,
        "has_what_it_requires": 1,
        "is_not_halted": 1,
        "is_its_holders": 3,
        "lists_who_was_heard": 1,
        "names_a_concern": 1,
        "says_whether_it_counts": 1,
        "is_carried": 1,
        "is_decided": 2,
        "is_about_what_there_is": 6,
        "is_as_attested": sum(e.type == "credential.attested" for e in stored()),
        "is_entered_in_time": sum("envelope" in e.gate for e in stored()),
        "is_as_declared": sum(e.type == "identifiers.declared" for e in stored()),
        "has_so_many_keys": sum(e.type == "credentials.chunk" for e in stored()),
        "are_under_grants": sum(e.type == "credentials.chunk" for e in stored()),
        "is_as_registered": sum(e.type == "provider.registered" for e in stored()),
        "is_of_its_organization": sum("organization" in e.gate for e in stored() if e.type == "case.opened"),
        "is_the_only_bearer": 1,
        "lifts_for_whom_it_asks": 1,
        "reports_what_happened": sum(e.type == "release.closed" for e in stored()),
    }


def test_the_audit_says_so_too() -> None:
    note = FOLDER.joinpath("checkpoint").read_text("utf-8")
    found = audit(note, checkpoint.parse_vkey(LOG), (entry.leaf for entry in stored()))
    assert found.ok
    assert found.law == judged(read(entry.leaf) for entry in stored())


def test_every_rule_but_for_none_is_asked_of_some_entry() -> None:
    counted = Counter(type(entry.body) for entry in stored())
    assert all(counted[body] for body in RULES[1])
    assert all(rule.__doc__ for rules in RULES[1].values() for rule in rules)


def test_what_is_lawful_has_the_effect_that_it_says() -> None:
    record = Record()
    for entry in stored():
        honoured = law.effect(record, entry, None, record.pinned(), record.log)
        assert honoured is not None
        if entry.type != "position.recorded":
            assert honoured is entry
        record.apply(entry)


# A log that is not


def test_a_log_under_another_key_is_found() -> None:
    other = checkpoint.vkey("log.example/other", bytes(32))
    found = judged(stored()[:1], other)
    assert [(each.seq, each.rule) for each in found.unlawful] == [(0, "starts_this_log")]


def test_an_entry_about_what_is_not_on_the_record_is_found() -> None:
    (found,) = judged([of_type("case.waitlisted")]).unlawful
    assert (found.type, found.rule) == ("case.waitlisted", "waits_for_a_seat")
    assert "no case" in str(found)


def test_what_is_unlawful_is_listed_up_to_a_number_and_counted_beyond() -> None:
    found = judged([of_type("case.waitlisted")] * (BREACHES_MAX + 5))
    assert len(found.unlawful) == BREACHES_MAX
    assert found.unlawful_count == BREACHES_MAX + 5


LIES: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "a grant for longer": (
        "grant.approved",
        {},
        {"validUntil": "2099-01-01T00:00:00.000Z"},
        "is_carried",
    ),
    "a grant on another surface": (
        "grant.approved",
        {"surface": "api"},
        {"surface": "codex"},
        "is_of_its_case",
    ),
    "a grant of another case": ("grant.approved", {}, {"case": "case_none"}, "is_of_its_case"),
    "terms of another digest": ("release.applied", {"announced": True}, {"terms": {}}, "states_its_terms"),
    "a plan of another release": (
        "release.applied",
        {"announced": True},
        {"release": "other"},
        "is_of_the_release",
    ),
    "an opening of other terms": ("stage.opened", {}, {"stage": "other"}, "is_signed_by_an_officer"),
    "a case by another rule": (
        "case.opened",
        {"kind": "admission"},
        {"rule": {"anyOf": ["caisi"]}},
        "asks_by_its_rule",
    ),
    "a case with an invented procedure": (
        "case.opened",
        {"kind": "admission"},
        {"procedure": {"mode": "notify"}},
        "goes_by_its_terms",
    ),
    "a position for another case": (
        "position.recorded",
        {"position": "approve"},
        {"case": "case_none"},
        "is_signed",
    ),
    "a position of other words": (
        "position.recorded",
        {"position": "object"},
        {"position": "approve"},
        "is_as_signed",
    ),
    "a position of other owners": (
        "position.recorded",
        {"position": "object"},
        {"owners": ["somebody"], "owner": "somebody"},
        "is_as_signed",
    ),
    "a receipt of another agency": ("case.received", {}, {"agency": "ostp"}, "is_received"),
    "a comparison of another outcome": ("case.screened", {}, {"decision": "clear"}, "is_an_officers_look"),
    "a silence of another meaning": (
        "case.silent",
        {"meaning": "wait"},
        {"meaning": "no-objection"},
        "is_due",
    ),
    "a removal that no case decided": ("grant.ended", {"how": "surrendered"}, {"how": "removed"}, "is_over"),
    "an expiry before its time": ("grant.ended", {"how": "surrendered"}, {"how": "expired"}, "is_over"),
    "a grant that was not suspended": ("grant.resumed", {}, {"grant": "grant_none"}, "is_suspended"),
    "an amendment of another grant": ("grant.amended", {}, {"grant": "grant_none"}, "is_amended_as_agreed"),
    "a reinstatement by another case": (
        "grant.reinstated",
        {},
        {"case": "case_none"},
        "is_reinstated_on_appeal",
    ),
    "a confirmation of another directive": (
        "directive.confirmed",
        {},
        {"directive": "none"},
        "is_the_issuers",
    ),
    "a lift by another case": ("directive.lifted", {}, {"case": "case_none"}, "is_lifted_by_its_rule"),
    "an expiry of another directive": ("directive.expired", {}, {"directive": "none"}, "has_expired"),
    "a directive of a name that is taken": ("directive.issued", {}, {}, "has_its_own_name"),
    "a case that is opened twice": ("case.opened", {"kind": "admission"}, {}, "is_new"),
    "a grant that is given twice": ("grant.approved", {}, {}, "is_given_once"),
    "a position that is taken twice": ("position.recorded", {"position": "object"}, {}, "follows"),
    "a proceeding in another case": ("case.proceeded", {}, {"case": "case_none"}, "is_advice"),
    "a denial said to be an approval": (
        "case.determined",
        {"outcome": "denied"},
        {"outcome": "approved"},
        "is_decided",
    ),
    "a directive that replaces another": (
        "directive.issued",
        {"directive": "named"},
        {"replaces": "everyone"},
        "replaces_lawfully",
    ),
    "an opening that agencies agreed to elsewhere": (
        "stage.opened",
        {"release": "gpt-6"},
        {"case": "case_none"},
        "is_agreed_to",
    ),
    "a decision of what is decided": ("case.determined", {"outcome": "approved"}, {}, "is_open"),
}
"""A type, what its entry says, what it is made to say, and the rule that it breaks."""


def lie(type_: str, fields: dict[str, Any], changes: dict[str, Any]) -> tuple[Record, Entry]:
    entry = of_type(type_, **fields)
    record = before(entry.seq)
    if not changes:  # said a second time
        record.apply(entry)
        return record, told(entry, {}, seq=entry.seq + 1)
    return record, told(entry, changes)


@pytest.mark.parametrize(("type_", "fields", "changes", "rule"), LIES.values(), ids=LIES)
def test_a_lie_breaks_the_rule_that_it_is_about(
    type_: str, fields: dict[str, Any], changes: dict[str, Any], rule: str
) -> None:
    record, entry = lie(type_, fields, changes)
    found = law.breach(record, entry, record.pinned(), record.log, Support.RECORD)
    assert isinstance(found, Breach)
    assert found.rule == rule, found
    assert found.why


@pytest.mark.parametrize(("type_", "fields", "changes", "rule"), LIES.values(), ids=LIES)
def test_a_lie_widens_nothing(type_: str, fields: dict[str, Any], changes: dict[str, Any], rule: str) -> None:
    record, entry = lie(type_, fields, changes)
    keys = record.pinned()
    found = law.breach(record, entry, keys, record.log, Support.RECORD)
    honoured = law.effect(record, entry, found, keys, record.log)
    is_widened = type_ not in WIDENS_NOTHING or entry.public.get("outcome") == "approved"
    assert (honoured is None) is is_widened


def test_a_grant_is_the_applicants() -> None:
    entry = of_type("grant.approved")
    other = openings({"organization": "org-none"}, Entropy(bytes(32)))
    found = verdict(told(entry, {}, other))
    assert isinstance(found, Breach)
    assert found.rule == "is_the_applicants"


def test_terms_that_are_no_longer_in_force_are_not_opened() -> None:
    entry = of_type("stage.opened")
    record = before(len(stored()))
    again = told(entry, {}, seq=len(stored()))
    found = law.breach(record, again, record.pinned(), record.log, Support.RECORD)
    assert isinstance(found, Breach)
    assert found.rule == "opens_terms_in_force"


def test_a_directive_is_what_was_signed() -> None:
    entry = of_type("directive.issued", directive="named")
    document = entry.public["document"]
    lied = told(entry, {"document": {**document, "spec": {**document["spec"], "models": ["other"]}}})
    record = before(entry.seq)
    found = law.breach(record, lied, record.pinned(), record.log, Support.RECORD)
    assert isinstance(found, Breach)
    assert found.rule == "is_as_its_issuer_signed"
    honoured = law.effect(record, lied, found, record.pinned(), record.log)
    assert honoured is not None
    record.apply(honoured)
    assert record.directives["named"].document.to_json() == document


def test_what_is_suspended_after_it_has_ended_does_not_go_on() -> None:
    ended = of_type("grant.ended", how="removed")
    record = before(ended.size)
    grant = {"grant": ended.public["grant"], "case": "case_none"}
    record.apply(forged("grant.suspended", {**grant, "reasonCode": "x"}, seq=ended.size, at_ms=ended.at_ms))
    resumed = forged("grant.resumed", grant, seq=ended.size + 1, at_ms=ended.at_ms)
    for support in Support:
        found = law.breach(record, resumed, record.pinned(), record.log, support)
        assert isinstance(found, Breach)
        assert found.rule == "is_suspended"


def test_a_directive_under_a_name_that_is_taken_applies_beside_the_first() -> None:
    record, entry = lie("directive.issued", {}, {})
    found = law.breach(record, entry, record.pinned(), record.log, Support.RECORD)
    honoured = law.effect(record, entry, found, record.pinned(), record.log)
    assert honoured is not None
    record.apply(honoured)
    name = entry.public["directive"]
    assert record.directives[name].ended is None
    assert record.directives[f"{name}#{entry.seq}"].document == record.directives[name].document


def test_terms_said_to_be_tighter_apply_as_terms_that_nobody_has_agreed_to() -> None:
    entry = next(e for e in stored() if e.type == "release.applied" and e.public.get("tightened"))
    record = before(entry.seq)
    (stage, looser), *_ = entry.public["tightened"].items()
    lied = told(entry, {"tightened": {stage: "sha256:" + "0" * 64}})
    assert looser in record.releases[entry.public["release"]].agreed
    found = law.breach(record, lied, record.pinned(), record.log, Support.RECORD)
    assert isinstance(found, Breach)
    assert found.rule == "is_tighter"
    honoured = law.effect(record, lied, found, record.pinned(), record.log)
    assert honoured is not None
    assert isinstance(honoured.body, releases.ReleaseApplied)
    assert honoured.body.tightened == {}


# What signatures support alone


def gives(is_so: Callable[[Case], bool]) -> list[Entry]:
    """The grants whose case is so."""
    found = []
    record = Record()
    for entry in stored():
        record.apply(entry)
        if entry.type == "grant.approved" and is_so(record.cases[entry.public["case"]]):
            found.append(entry)
    return found


@pytest.mark.parametrize(
    "is_so",
    [
        lambda case: case.proceeded and case.against,
        lambda case: case.unopposed,
        lambda case: case.silent("no-objection") and not case.proceeded,
    ],
    ids=["proceeded", "unopposed", "silent"],
)
def test_what_no_signature_carries_is_carried_by_the_record_alone(is_so: Callable[[Case], bool]) -> None:
    entries = gives(is_so)
    assert entries
    for entry in entries:
        assert verdict(entry) is None
        found = verdict(entry, Support.SIGNATURES)
        assert isinstance(found, Breach)
        assert found.rule == "is_carried"


def test_a_position_counts_for_the_owners_whose_keys_are_trusted() -> None:
    world = World.opened()
    world.say(world.submit(), "oncd")
    entry = world.entries[-1]
    record = Record()
    for each in world.entries[:-1]:
        record.apply(each)
    lied = told(entry, {"owners": ["oncd", "another"]})
    keys = record.pinned()
    assert law.breach(record, lied, keys, record.log, Support.SIGNATURES) is None
    honoured = law.effect(record, lied, None, keys, record.log)
    assert honoured is not None
    record.apply(honoured)
    assert record.cases[entry.public["case"]].positions["oncd"].owners == ("oncd",)


# An overlay


def test_what_is_applied_above_a_record_changes_nothing_below() -> None:
    record = before(0)
    for entry in stored():
        above = record.overlay()
        above.apply(entry)
        if entry.type == "case.opened":
            assert entry.public["case"] in above.cases
            assert entry.public["case"] not in record.cases
        record.apply(entry)
        assert above.cases.keys() == record.cases.keys()
        assert above.directives == record.directives
