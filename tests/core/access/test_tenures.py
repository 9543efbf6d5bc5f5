"""Who held which model, from when to when, against a literal reading of drawn logs at each moment."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Sequence
from random import Random

from hypothesis import event, given, settings

from sluicegate.core.access.decision import Allow, Ask, Instant, decide
from sluicegate.core.access.rows import CredentialRow
from sluicegate.core.access.table import Table
from sluicegate.core.access.tenures import HELD, OVER, Access, Stretch, Tenure, Tenures
from sluicegate.core.lifecycle.accounts import CloseAccount
from sluicegate.core.lifecycle.trail import Trail
from sluicegate_record.entries import Entry
from sluicegate_record.log import times
from sluicegate_record.log.leaf import Entropy
from tests.core import reference_model
from tests.core.access.test_audience import GENERAL, account, general
from tests.core.access.test_decision import ORGANIZATIONS, SURFACES, Facts, facts
from tests.forging import gate_value, openings, public_of, told
from tests.worlds import API, AT_MS, CODEX, DAY_MS, MODEL, RELEASE, STAGE, Rough, World, stage

DIRECTIVES = {"directive.issued", "directive.lifted", "directive.expired"}
SPAN = range(-4, 14)
"""The moments that are looked at, after `AT_MS`."""


def timed(found: Facts) -> list[Entry]:
    """A drawn log whose entries come one after the other, some at the same time."""
    for _ in range(10 if found.grants else 0):
        found.random.choice([Facts.change, Facts.change, Facts.lift, Facts.suspend])(found)
    drawn, at_ms = Random(len(found.rough.entries)), AT_MS - 3
    entries = []
    for entry in found.rough.entries:
        at_ms += drawn.choice([0, 0, 0, 1])
        entries.append(entry._replace(at_ms=at_ms))
    return entries


def unasked(entry: Entry) -> Entry:
    """An entry; a plan as if it asked for no statement."""
    if entry.type != "release.applied":
        return entry
    is_public = "plan" in public_of(entry)
    plan = copy.deepcopy(public_of(entry)["plan"] if is_public else gate_value(entry, "plan"))
    plan["spec"].pop("deployments", None)
    if is_public:
        return told(entry, {"plan": plan})
    return told(entry, {}, openings({"plan": plan}, Entropy(bytes(32))))


def literal(
    entries: Sequence[Entry], place: Access, at_ms: int, *, interrupted: bool = True
) -> dict[str, str | None]:
    """What a key of each grant of an organization would get at a moment, by grant; None: it is let in.

    Not `interrupted`: as if stages were open, suspended grants resumed, there were no directives, and no
    terms asked for a statement of what serves their models.
    """
    rough = Rough()
    before = rough.entries = [entry for entry in entries if entry.at_ms <= at_ms]
    if not interrupted:
        before = rough.entries = [unasked(e) for e in before if e.type not in DIRECTIVES]
        for applied in [e for e in before if e.type == "release.applied"]:
            for name, terms in public_of(applied)["terms"].items():
                opening = {"release": public_of(applied)["release"], "stage": name, "terms": terms}
                rough.write("stage.opened", opening)
        for grant in {str(public_of(e)["grant"]) for e in before if e.type == "grant.approved"}:
            if reference_model._fate(before, grant) == "grant_suspended":
                rough.write("grant.resumed", {"grant": grant})
    found: dict[str, str | None] = {}
    grants = [e for e in before if e.type == "grant.approved"]
    for approved in [e for e in grants if gate_value(e, "organization") == place.organization]:
        grant = str(public_of(approved)["grant"])
        digest = hashlib.sha256(grant.encode()).digest()
        rough.write("credential.issued", {"credential": f"try_{grant}", "grant": grant}, digest=digest.hex())
        ask = Ask(digest, place.model, place.surface)
        found[grant] = reference_model.decide(rough.entries, ask, Instant(at_ms, at_ms)).reason
    return found


def at(stretches: Sequence[Stretch], place: Access, at_ms: int) -> Tenure | None:
    """How an organization stood at a moment."""
    over = [
        each.standing
        for each in stretches
        if each.place == place and each.from_ms <= at_ms and (each.until_ms is None or at_ms < each.until_ms)
    ]
    assert len(over) <= 1, over
    return over[0] if over else None


def places(release: str, models: Sequence[str]) -> Iterator[Access]:
    for organization in ORGANIZATIONS:
        for surface in SURFACES:
            for model in models:
                yield Access(organization, model, surface)


@settings(max_examples=60)
@given(facts)
def test_each_moment_is_as_a_literal_reading_of_the_log_until_then_says(found: Facts) -> None:
    entries = timed(found)
    tenures = Tenures("r1")
    for entry in entries:
        tenures.apply(entry)
    stretches = tenures.stretches(max(AT_MS + SPAN.stop, entries[-1].at_ms))
    assert stretches == sorted(stretches, key=lambda each: (each.from_ms, each.place))
    for at_ms in range(AT_MS + SPAN.start, AT_MS + SPAN.stop):
        for place in places("r1", ("a", "b")):
            expected, stood = literal(entries, place, at_ms), at(stretches, place, at_ms)
            let_in = {grant for grant, why in expected.items() if why in {None, "person_required"}}
            event("held" if let_in else "not held")
            if let_in:
                assert stood is not None
                assert stood.what == HELD
                assert stood.under in let_in
                continue
            lasting = literal(entries, place, at_ms, interrupted=False)
            if stood is None:
                over = {why for why in lasting.values() if why != "stage_not_open"}
                assert over <= set(map(str, OVER))  # one that has not begun may have ended before that
                continue
            event(stood.what)
            assert stood.what == expected[stood.under]
            assert lasting[stood.under] not in OVER
            assert bool(stood.directives) is (stood.what == "directive_in_force")


@settings(max_examples=60)
@given(facts)
def test_stretches_of_a_place_have_no_gap_that_says_nothing_and_do_not_overlap(found: Facts) -> None:
    tenures = Tenures("r1")
    for entry in timed(found):
        tenures.apply(entry)
    last: dict[Access, Stretch] = {}
    for each in tenures.stretches(AT_MS + 99):
        before = last.get(each.place)
        if before is not None:
            assert before.until_ms is not None
            assert before.until_ms <= each.from_ms
            assert before.until_ms < each.from_ms or before.standing != each.standing
        assert each.until_ms is None or each.from_ms < each.until_ms
        last[each.place] = each


@settings(max_examples=30)
@given(facts)
def test_one_model_alone_has_the_same_stretches(found: Facts) -> None:
    whole, alone = Tenures("r1"), Tenures("r1", "a")
    for entry in timed(found):
        whole.apply(entry)
        alone.apply(entry)
    expected = [each for each in whole.stretches(AT_MS + 99) if each.place.model == "a"]
    assert alone.stretches(AT_MS + 99) == expected


@settings(max_examples=30)
@given(facts)
def test_entries_that_do_not_concern_access_may_be_left_out(found: Facts) -> None:
    whole, some = Tenures("r1"), Tenures("r1")
    entries, trail = timed(found), Trail()
    for entry in entries:
        whole.apply(entry)
        trail.add(entry)
    places = trail.of_access(whole.table.held)
    for entry in entries:
        if entry.seq in places:
            some.apply(entry)
        else:
            event(f"{entry.type} is left out")
    assert some.stretches(AT_MS + 99) == whole.stretches(AT_MS + 99)


# A stage for everyone, at each moment


def test_a_stage_for_everyone_is_held_as_its_ramp_grows_and_directives_and_pauses_come() -> None:
    made = World.opened(
        stages=[
            stage(),
            general(
                ramp=[{"share": 30, "for": "P2D"}, {"share": 60, "for": "P2D"}, {"share": 100}],
                grants={STAGE: {"become": GENERAL}},
            ),
        ]
    )
    grant = made.admit("org-g")
    accounts = {name: account(made, name) for name in (f"org-{number}" for number in range(12))}
    made.later(1)
    made.open(name=GENERAL)
    made.later(1)
    made.direct("d-1", ["org-3"], effective=times.format_time(made.now_ms + DAY_MS * 5 // 4))
    made.later(2)
    made.must(CloseAccount(accounts["org-5"]))
    made.later(40)
    tenures = Tenures(RELEASE)
    for entry in made.entries:
        tenures.apply(entry)
    stretches = tenures.stretches(made.now_ms)
    rows = {**accounts, "org-g": grant}
    held = 0
    for at_ms in range(AT_MS, made.now_ms, DAY_MS // 4):
        table = Table()
        for entry in made.entries:
            if entry.at_ms <= at_ms:
                table.apply(entry)
        for organization, under in rows.items():
            row = table.known_row(under)
            if row is None:
                continue
            digest = hashlib.sha256(organization.encode()).digest()
            table.credentials[digest] = CredentialRow("try", row)
            for surface in (API, CODEX):
                decided = decide(Ask(digest, MODEL, surface), table, Instant(at_ms, at_ms))
                stood = at(stretches, Access(organization, MODEL, surface), at_ms)
                is_held = stood is not None and stood.what == HELD
                assert is_held is isinstance(decided, Allow), (organization, surface, at_ms)
                if isinstance(decided, Allow) and stood is not None:
                    assert (stood.stage, stood.under) == (decided.stage, under)
                    held += 1
    assert held > 1_000
    began = {
        each.from_ms for each in stretches if each.standing.what == HELD and each.standing.stage == GENERAL
    }
    assert {AT_MS + DAY_MS, AT_MS + 3 * DAY_MS, AT_MS + 5 * DAY_MS} <= began
    stopped = next(each for each in stretches if each.standing.directives == ("d-1",))
    assert stopped.from_ms == AT_MS + DAY_MS * 13 // 4
