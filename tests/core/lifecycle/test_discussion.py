"""What had been said when an agency signed: a consent without it is marked, or does not count."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from sluicegate.core.access.decision import Allow
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.applications import Answer, Reply
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.record import AddNote
from sluicegate_record import law
from sluicegate_record.entities.discussion import Contribution
from sluicegate_record.entries import Entry
from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Misread
from sluicegate_record.law import Breach, Support
from sluicegate_record.log import canonical, merkle
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Opening
from sluicegate_record.record import Record
from sluicegate_record.statements.about import About
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.statements.notes import NoteStatement
from sluicegate_record.terms import kinds
from sluicegate_record.terms.rule import Rule
from tests.core.access.test_vouch import asked, folded, trust
from tests.core.lifecycle.test_positions import schedule
from tests.forging import forged, told
from tests.worlds import (
    AGENCIES,
    LOG,
    OFFICER,
    Followed,
    World,
    approval,
    position,
    receipt,
    screened,
    signed,
    stage,
)

CONDITIONS = {"requestsPerMinute": 5}
OTHER = Discussion(count=1, digest="sha256:" + "0" * 64)
THREE = {
    "stages": [stage(admission={"mode": "approve", "grant": {"atLeast": {"n": 2, "of": list(AGENCIES)}}})]
}
"""Two of three agencies admit, so that an objection need not decide."""


def put(world: World, envelope: Envelope) -> dict[str, Any]:
    return world.must(RecordPosition(envelope))


def over(case: Followed, agency: str, word: str = "approve", **changes: Any) -> Envelope:
    """A position of an agency that tells what has been said now."""
    return position(case, agency, word, **{"said": case.discussed(), "reason": "why", **changes})


def unheard(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["who"], each["what"]) for each in answer.get("unheard", [])]


# The digest


def test_what_had_been_said_is_a_count_and_a_digest_over_the_hashes_of_the_leaves() -> None:
    world = World.opened()
    case = world.submit()
    put(world, over(case, "oncd", "ask"))
    world.must(Answer(case.id, "", "our subsidiary"))
    said = [each for each in world.entries if each.type in {"position.recorded", "case.answered"}][-2:]
    hashes = b"".join(hashlib.sha256(b"\x00" + each.leaf).digest() for each in said)
    assert case.discussed().to_json() == {
        "count": 2,
        "digest": "sha256:" + hashlib.sha256(hashes).hexdigest(),
    }
    assert case.discussed(0).to_json() == {"count": 0, "digest": canonical.sha256_hex(b"")}


def test_all_that_anyone_says_in_a_case_is_counted_and_nothing_else() -> None:
    world = World.opened(**THREE)
    case = world.submit()
    world.must(receipt(case, "oncd"))
    put(world, over(case, "oncd", "ask"))
    world.must(Answer(case.id, "", "so it is"))
    world.must(screened(case))
    about = About(case=case.id)
    note = NoteStatement(log=LOG, party="ostp", about=about, kind="call", on="2026-06-24", text="we called")
    world.must(AddNote(signed(note.payload(), "ostp")))
    put(world, over(case, "ostp", "object"))
    put(world, over(case, "caisi", "object"))
    assert case.outcome == "denied"
    world.must(Reply(case.id, "but"))
    assert [(each.who, each.what) for each in case.discussion] == [
        ("oncd", "ask"),
        ("applicant", "answer"),
        (OFFICER, "screening"),
        ("ostp", "note"),
        ("ostp", "object"),
        ("caisi", "object"),
        ("applicant", "reply"),
    ]
    assert [world.entries[each.seq].leaf for each in case.discussion]
    assert all(each.leaf == merkle.leaf_hash(world.entries[each.seq].leaf) for each in case.discussion)


def test_the_entry_says_it_and_a_position_that_does_not_tell_is_as_before() -> None:
    world = World.opened()
    case = world.submit()
    put(world, over(case, "oncd"))
    assert world.entries[-1].public["said"] == {"count": 0, "digest": canonical.sha256_hex(b"")}
    put(world, position(case, "ostp"))
    entry = next(each for each in reversed(world.entries) if each.type == "position.recorded")
    assert "said" not in entry.public
    assert case.outcome == "approved"


# Stale or only marked


def test_an_answer_only_marks_what_was_signed_before_it() -> None:
    """No applicant can stall a decision by answering."""
    world = World.opened()
    case = world.submit()
    before = over(case, "ostp")
    put(world, over(case, "oncd", "ask", reason="who else?"))
    world.must(Answer(case.id, "", "our subsidiary abroad will"))
    answer = put(world, before)
    assert unheard(answer) == [("oncd", "ask"), ("applicant", "answer")]
    assert "stale" not in answer
    assert case.consents == {"ostp"}
    put(world, over(case, "oncd"))
    assert case.outcome == "approved"


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda world, case: put(world, over(case, "caisi", "object")),
        lambda world, case: put(
            world, over(case, "caisi", "approve-with-conditions", conditions=CONDITIONS, reason="")
        ),
        lambda world, case: world.must(screened(case)),
    ],
    ids=["objection", "condition", "screening"],
)
@pytest.mark.parametrize("word", ["approve", "no-objection", "approve-with-conditions"])
def test_a_consent_without_something_of_weight_does_not_count_until_it_is_signed_again(
    word: str, meanwhile: Any
) -> None:
    world = World.opened(**THREE)
    case = world.submit()
    more = {"conditions": {"requestsPerMinute": 60}} if word == "approve-with-conditions" else {}
    before = over(case, "ostp", word, **more)
    meanwhile(world, case)
    answer = put(world, before)
    assert (answer["stale"], answer["determination"]) == (True, None)
    assert case.positions["ostp"].is_stale
    assert "ostp" not in case.consents
    assert "ostp" in case.awaiting
    assert put(world, before)["stale"], "the same answer again"
    put(world, over(case, "ostp", word, **more))
    assert "ostp" in case.consents
    assert "ostp" not in case.awaiting


def test_the_conditions_of_a_stale_consent_stand() -> None:
    world = World.opened()
    case = world.submit()
    before = over(case, "ostp", "approve-with-conditions", conditions=CONDITIONS)
    world.must(screened(case))
    assert put(world, before)["stale"]
    put(world, over(case, "oncd"))
    assert case.outcome is None
    assert case.agreed[0].to_json() == CONDITIONS


@pytest.mark.parametrize("word", ["object", "abstain", "recuse"])
def test_only_consents_go_stale(word: str) -> None:
    world = World.opened(**THREE)
    case = world.submit()
    before = over(case, "ostp", word)
    world.must(screened(case))
    answer = put(world, before)
    assert unheard(answer) == [(OFFICER, "screening")]
    assert "stale" not in answer
    assert case.saying(word) == {"ostp"}
    assert "ostp" not in case.awaiting


def test_what_comes_after_a_consent_was_recorded_does_not_make_it_stale() -> None:
    world = World.opened(**THREE)
    case = world.submit()
    put(world, over(case, "ostp"))
    put(world, over(case, "caisi", "object"))
    world.must(screened(case))
    assert case.consents == {"ostp"}
    assert put(world, over(case, "oncd"))["determination"] == "approved"


def test_a_schedule_tells_what_had_been_said_in_each_case() -> None:
    world = World.opened(**THREE)
    one, two = world.submit(), world.submit("org-2")
    given = schedule("ostp", one, two, said=one.discussed())
    world.must(screened(two))
    answers = [world.must(RecordPosition(given, case=each.id)) for each in (one, two)]
    assert ["stale" in answer for answer in answers] == [False, True]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_position_over_another_discussion_is_refused(count: int) -> None:
    world = World.opened()
    case = world.submit()
    put(world, over(case, "oncd", "ask"))
    wrong = Discussion(count=count, digest=OTHER.digest)
    for word in ("approve", "object"):
        assert world.refused(RecordPosition(over(case, "ostp", word, said=wrong))) == "other_discussion"
    assert case.positions.keys() == {"oncd"}


@pytest.mark.parametrize(
    "wrong",
    [
        Discussion(count=-1, digest=OTHER.digest),
        Discussion(count=0, digest="0" * 64),
        Discussion(count=0, digest="sha256:" + "A" * 64),
        Discussion(count=0, digest=""),
    ],
)
def test_what_cannot_have_been_said_is_malformed(wrong: Discussion) -> None:
    world = World.opened()
    case = world.submit()
    with pytest.raises(BadEnvelope):
        world.do(RecordPosition(over(case, "oncd", said=wrong)))
    with pytest.raises(BadEnvelope):
        world.do(RecordPosition(schedule("oncd", case, said=wrong), case=case.id))


# An agency that goes on objecting


def stale_since(world: World, case: Followed, *words: Mapping[str, Any]) -> bool:
    """Whether an approval of ostp that was signed before caisi said this is stale."""
    before = over(case, "ostp", reason=f"at {len(case.discussion)}")
    for each in words:
        put(world, over(case, "caisi", **each))
    return "stale" in put(world, before)


def objecting(reason: str) -> dict[str, Any]:
    return {"word": "object", "reason": reason}


LIMITED = {"word": "approve-with-conditions", "conditions": CONDITIONS, "reason": ""}


@pytest.mark.parametrize("said", [objecting("too risky"), LIMITED], ids=["objection", "condition"])
def test_what_an_agency_repeats_makes_no_consent_stale_again(said: Mapping[str, Any]) -> None:
    world = World.opened(**THREE)
    case = world.submit()
    assert stale_since(world, case, said)
    assert not stale_since(world, case, said), "the same again"
    recorded = [each.public for each in world.entries if each.public.get("agency") == "caisi"]
    assert ["weighs" in each for each in recorded[-2:]] == [False, True]
    assert recorded[-1]["weighs"] is False
    assert case.saying(said["word"]) == {"caisi"}, "it stands all the same"
    assert case.consents >= {"ostp"}


def test_what_an_agency_says_otherwise_weighs_three_times_and_no_more() -> None:
    """One other letter each time, and other conditions, and another position in between."""
    world = World.opened(**THREE)
    case = world.submit()
    found = [
        stale_since(world, case, objecting("too risky!")),
        stale_since(world, case, LIMITED),
        stale_since(world, case, objecting("too risky?")),
        stale_since(world, case, objecting("too risky.")),
        stale_since(world, case, {"word": "abstain"}, objecting("too risky!")),
    ]
    assert found == [True] * kinds.NEWS_MAX + [False, False]


def test_each_agency_has_its_own_three_and_a_screening_record_always_weighs() -> None:
    world = World.opened(**THREE)
    case = world.submit()
    for number in range(5):
        put(world, over(case, "caisi", "object", reason=f"no {number}"))
    before = over(case, "ostp")
    put(world, over(case, "oncd", "approve-with-conditions", conditions=CONDITIONS, reason=""))
    assert put(world, before)["stale"]
    for _ in range(5):
        before = over(case, "ostp", reason=f"at {len(case.discussion)}")
        world.must(screened(case))
        assert put(world, before)["stale"]


def test_an_objection_after_a_yes_weighs_though_its_words_are_as_before() -> None:
    world = World.opened(**THREE)
    case = world.submit()
    put(world, over(case, "caisi", "object"))
    put(world, over(case, "caisi"))
    assert stale_since(world, case, {"word": "object"})


def test_a_sealed_reason_may_be_another_one_each_time() -> None:
    world = World.opened(**THREE)
    case = world.submit()
    found = []
    for number in range(kinds.NEWS_MAX + 1):
        before = over(case, "ostp", reason=f"at {number}")
        reason = Opening(bytes([number]) * 32, canonical.dumps("of state"))
        sealed = reason.commitment("sealed", "reason")
        said = over(case, "caisi", "object", sealed=sealed)
        world.must(RecordPosition(said, reason))
        found.append("stale" in put(world, before))
    assert found == [True] * kinds.NEWS_MAX + [False]


def test_it_is_shown_which_of_what_was_said_weighs() -> None:
    world = World.opened(**THREE)
    case = world.submit()
    put(world, over(case, "caisi", "object"))
    before = over(case, "ostp", "object")
    put(world, over(case, "caisi", "object", said=case.discussed(0)))
    world.must(screened(case))
    told = put(world, before)["unheard"]
    assert [(each["what"], each.get("weighs", False)) for each in told] == [
        ("object", False),
        ("screening", True),
    ]


def repeated() -> tuple[World, Followed]:
    """A case in which caisi objects twice with the same words, and ostp approves a second time in between."""
    world = World.opened(**THREE)
    case = world.submit()
    put(world, over(case, "caisi", "object"))
    assert not stale_since(world, case, {"word": "object"})
    return world, case


def test_in_an_earlier_log_what_is_repeated_weighs_as_it_did() -> None:
    """No entry of it says that it does not. So every outcome that the log has is still found."""
    world, case = repeated()
    record = Record()
    for each in world.entries:
        public = {name: value for name, value in each.public.items() if name != "weighs"}
        earlier = forged(each.type, public, seq=each.seq, at_ms=each.at_ms, by=each.by, stream=each.stream)
        record.apply(earlier if "weighs" in each.public else each)
    assert record.cases[case.id].positions["ostp"].is_stale
    assert not case.positions["ostp"].is_stale


def test_a_lie_that_something_new_does_not_weigh_is_found_and_believed_by_none() -> None:
    world = World.opened(**THREE)
    case = world.submit()
    before = over(case, "ostp")
    put(world, over(case, "caisi", "object"))
    lied = told(world.entries[-1], {"weighs": False})
    put(world, before)
    record = Record()
    for each in world.entries[:-2]:
        record.apply(each)
    found = law.breach(record, lied, record.pinned(), LOG, Support.RECORD)
    assert isinstance(found, Breach)
    assert found.rule == "weighs_if_it_is_new"
    assert law.breach(record, lied, record.pinned(), LOG, Support.SIGNATURES) is None
    record.apply(lied)
    record.apply(world.entries[-1])
    assert record.cases[case.id].positions["ostp"].is_stale


def test_entries_without_a_signature_do_not_use_up_what_an_agency_may_say() -> None:
    """A lying log would write objections in its name until the real one weighs nothing at a gateway."""
    world = World.opened(**THREE)
    case = world.submit()
    for number in range(kinds.NEWS_MAX + 1):
        public = {
            "case": case.id,
            "agency": "caisi",
            "owner": "caisi",
            "owners": ["caisi"],
            "position": "object",
            "reason": f"no {number}",
            "digest": "sha256:" + "0" * 64,
            "envelope": over(case, "oncd").to_json(),
        }
        world.write("position.recorded", public)
    table = vouched(world.entries)
    record = table.record
    before = position(case, "ostp", said=record.cases[case.id].discussed())
    said = signed(approval(case.question, "caisi", position="object", reason="now").payload(), "caisi")
    for public in (
        {**as_recorded(case, "caisi", said, "object"), "weighs": False},
        as_recorded(case, "ostp", before, "approve"),
    ):
        table.apply(world.write("position.recorded", public))
    assert table.findings["position.recorded"] == kinds.NEWS_MAX + 1, "only the forged ones"
    assert record.cases[case.id].positions["ostp"].is_stale


def as_recorded(case: Followed, agency: str, envelope: Envelope, word: str) -> dict[str, Any]:
    """The public part of the entry with a position."""
    said = json.loads(envelope.payload)["predicate"]
    told = {"said": said["said"]} if "said" in said else {}
    return {
        "case": case.id,
        "agency": agency,
        "owner": agency,
        "owners": [agency],
        "position": word,
        "reason": said["reason"],
        "digest": envelope.digest,
        "envelope": envelope.to_json(),
        **told,
    }


# Its agency's time


def timed(silence: str = "deny") -> World:
    clock = {"within": 2, "unit": "days", "silence": silence}
    rule = {"atLeast": {"n": 2, "of": list(AGENCIES)}}
    return World.opened(stages=[stage(admission={"mode": "approve", "grant": rule, "clock": clock})])


@pytest.mark.parametrize("silence", ["deny", "no-objection"])
def test_the_time_of_an_agency_runs_on_after_a_stale_consent(silence: str) -> None:
    world = timed(silence)
    case = world.submit()
    world.must(receipt(case, "ostp"))
    before, due_ms = over(case, "ostp"), case.clocks["ostp"].due_ms
    put(world, over(case, "caisi", "object"))
    assert put(world, before)["stale"]
    assert case.clocks["ostp"].due_ms == due_ms
    world.later(4)
    assert case.clocks["ostp"].silence == silence
    if silence == "deny":
        assert (case.outcome, case.reason_code) == ("denied", "silence")
        return
    assert case.consenting == {"ostp"}
    put(world, over(case, "oncd"))
    given = next(each for each in world.entries if each.type == "grant.approved").public
    assert ([each["agency"] for each in given["positions"]], given["silent"]) == (["oncd"], ["ostp"])


def test_its_question_to_the_applicant_stays_open() -> None:
    world = timed()
    case = world.submit()
    put(world, over(case, "ostp", "ask"))
    before = over(case, "ostp")
    put(world, over(case, "caisi", "object"))
    assert put(world, before)["stale"]
    assert case.standing == "asked"
    assert case.asking["ostp"].position == "ask"
    world.must(Answer(case.id, "ostp", "so it is"))
    assert case.clocks["ostp"].due_ms is not None
    put(world, over(case, "ostp"))
    put(world, over(case, "oncd"))
    assert case.outcome == "approved"


def test_a_receipt_can_come_after_a_stale_consent() -> None:
    world = timed()
    case = world.submit()
    before = over(case, "ostp")
    put(world, over(case, "caisi", "object"))
    assert put(world, before)["stale"]
    world.must(receipt(case, "ostp"))
    assert case.clocks["ostp"].due_ms is not None


# Readers who do not believe the log


def vouched(entries: list[Entry]) -> VouchedTable:
    table = VouchedTable(trust(Rule("anyOf", AGENCIES)))
    folded(entries, table)
    return table


def stale_and_granted() -> tuple[World, list[Entry]]:
    """A case with a consent that is stale, and a lying log that counts it."""
    world = World.opened(**THREE)
    case = world.submit()
    before = over(case, "ostp")
    put(world, over(case, "caisi", "object"))
    assert put(world, before)["stale"]
    honest = World.opened(**THREE)
    twin = honest.submit()
    for agency in ("ostp", "oncd"):
        put(honest, position(twin, agency))
    honest.credential(twin.grant)
    kept = [
        each
        for each in honest.entries
        if each.type in {"case.determined", "grant.approved", "credential.issued"}
    ]
    kept = [each for each in kept if each.seq > honest.state.cases[twin.id].seq]
    assert put(world, over(case, "oncd"))["determination"] is None
    assert twin.id == case.id, "the same commands have the same names"
    return world, [*world.entries, *kept]


def test_a_gateway_does_not_count_a_stale_consent_though_the_log_does() -> None:
    _, entries = stale_and_granted()
    lied = [
        told(each, {}, seq=i, at_ms=entries[-1].at_ms) if each.seq != i else each
        for i, each in enumerate(entries)
    ]
    assert isinstance(asked(folded(lied, Table())), Allow)
    table = vouched(lied)
    assert not isinstance(asked(table), Allow)
    assert table.findings["grant.approved"] == 1


def test_a_stale_consent_is_above_no_floor() -> None:
    """Others carry the grant, and the gateway asks for that agency, too."""
    world = World.opened(stages=[stage(admission={"mode": "approve", "grant": {"anyOf": ["oncd", "ostp"]}})])
    case = world.submit()
    before = over(case, "ostp")
    world.must(screened(case))
    assert put(world, before)["stale"]
    put(world, over(case, "oncd"))
    assert case.outcome == "approved"
    for parties, refused in ((("oncd",), 0), (("oncd", "ostp"), 1)):
        table = VouchedTable(trust(Rule("allOf", parties)))
        folded(world.entries, table)
        assert table.findings["grant.approved"] == refused


def test_an_auditor_finds_a_decision_that_counts_it() -> None:
    world, entries = stale_and_granted()
    decided = next(each for each in entries[len(world.entries) :] if each.type == "case.determined")
    entry = told(decided, {}, seq=world.state.size)
    found = law.breach(world.state.record, entry, world.state.record.pinned(), LOG, Support.RECORD)
    assert found == Breach("is_decided", "the signed positions do not satisfy the rule")


def test_a_log_that_hides_what_the_signer_had_not_seen_is_found() -> None:
    """The liar leaves out `said` in the entry, or says that the signer had seen all."""
    world, _ = stale_and_granted()
    entry = next(each for each in world.entries if "said" in each.public and each.public["agency"] == "ostp")
    record = Record()
    for each in world.entries[: entry.seq]:
        record.apply(each)
    case = record.cases[entry.public["case"]]
    lies = [{"said": case.discussed().to_json()}, {"said": OTHER.to_json()}]
    for public in lies:
        for support in Support:
            found = law.breach(record, told(entry, public), record.pinned(), LOG, support)
            assert isinstance(found, Breach)
            assert found.rule == "is_as_signed"


def test_a_signed_consent_over_a_discussion_that_the_log_does_not_have_does_not_count() -> None:
    world = World.opened()
    case = world.submit()
    envelope = signed(approval(case.question, "ostp", said=OTHER).payload(), "ostp")
    public = {
        "case": case.id,
        "agency": "ostp",
        "owner": "ostp",
        "owners": ["ostp"],
        "position": "approve",
        "reason": "",
        "digest": envelope.digest,
        "envelope": envelope.to_json(),
        "said": OTHER.to_json(),
    }
    record = Record()
    for each in world.entries:
        record.apply(each)
    entry = world.write("position.recorded", public)
    found = law.breach(record, entry, record.pinned(), LOG, Support.RECORD)
    assert found == Breach("knows_the_discussion", "a position over another discussion than that of its case")
    assert law.breach(record, entry, record.pinned(), LOG, Support.SIGNATURES) is None
    assert case.positions["ostp"].is_stale


def test_a_gateway_counts_what_was_said_by_agencies_that_it_does_not_know() -> None:
    """Otherwise it would take honest consents after that for stale."""
    world = World.opened(**THREE)
    case = world.submit()
    put(world, over(case, "caisi", "ask"))
    world.must(Answer(case.id, "", "so it is"))
    for agency in ("oncd", "ostp"):
        put(world, over(case, agency))
    known = trust(Rule("anyOf", AGENCIES))
    table = VouchedTable(known._replace(pins=[pin for pin in known.pins if pin.party != "caisi"]))
    folded(world.entries, table)
    assert table.record.cases[case.id].discussed() == case.discussed()
    assert table.record.cases[case.id].consents == {"oncd", "ostp"}


# Its form


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        [1, "a", "b", "00"],
        [True, "a", "b", "00", False],
        [1, "a", "b", "zz", False],
        [1, "a", "b", "00", 0],
    ],
)
def test_a_contribution_is_a_number_two_words_a_hash_and_whether_it_weighs(value: Any) -> None:
    given = Contribution(1, "oncd", "ask", bytes(32), False)
    assert Contribution.from_json(given.to_json()) == given
    with pytest.raises(Misread):
        Contribution.from_json(value)
