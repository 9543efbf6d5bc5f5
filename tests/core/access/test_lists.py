"""Who a list admits, and the evaluators of a plan: by agreed terms, with an account, and without a case."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.core.access.decision import Allow, Ask, Instant, decide
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.lifecycle.accounts import CloseAccount
from sluicegate.core.lifecycle.applications import Amend, OpenAppeal
from sluicegate.core.lifecycle.credentials import IssueCredential
from sluicegate.core.lifecycle.grants import OpenRemoval, SurrenderGrant, SuspendGrant
from sluicegate.core.lifecycle.lists import opened_in
from sluicegate.core.lifecycle.releases import ApplyPlan, CloseStage
from sluicegate_record.entities.case import Case
from sluicegate_record.entries import Entry
from sluicegate_record.log import times
from sluicegate_record.record import Record
from sluicegate_record.terms import tightness
from tests.forging import gate_value
from tests.listing import LISTED, applying, opening_account, party, read_listed, tags
from tests.worlds import (
    API,
    CODEX,
    DAY_MS,
    MODEL,
    OFFICER,
    RELEASE,
    STAGE,
    World,
    application,
    plan_value,
    read_plan,
    stage,
    stage_closing,
)

GENERAL = "general"
AGREED = {"basis": {"kind": "agreed", "askedBy": ["oncd"], "how": "a call", "askedOn": "2026-06-24"}}
LAB = {"caisi": {"name": "A"}, "nist": {"name": "B"}}


def value(*more: dict[str, Any], spec: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    return plan_value(stages=[stage(audience=LISTED, **changes), *more], **(spec or {}))


def world(
    names: Sequence[str] = ("A", "B"), *, is_open: bool = True, more: Any = (), **changes: Any
) -> World:
    made = World()
    made.must(applying(value(*more, **changes), names))
    made.agree()
    if is_open:
        made.open()
    return made


def account(made: World, name: str, holder: str | None = None, **more: Any) -> str:
    found: str = made.must(opening_account(name, holder, **more))["account"]
    return found


def held(made: World) -> list[str]:
    """The live grants: whose, and on which surface."""
    return [f"{each.organization} {each.surface}" for each in made.state.grants.values() if each.is_live]


def grant(made: World, organization: str = "org-A", surface: str = API) -> str:
    found = made.state.table.grants[organization, RELEASE, surface]
    return found.id


def terms_of(made: World) -> Case:
    return next(case for case in made.state.cases.values() if case.kind == "terms")


def key(made: World, under: str, name: str = "key") -> bytes:
    digest = hashlib.sha256(name.encode()).digest()
    made.must(IssueCredential(under, digest.hex()))
    return digest


def asked(made: World, digest: bytes, surface: str = API) -> Allow | Deny:
    return decide(Ask(digest, MODEL, surface), made.state.table, Instant(made.now_ms, made.now_ms))


def rate(made: World, digest: bytes) -> int | None:
    answer = asked(made, digest)
    assert isinstance(answer, Allow)
    return answer.requests_per_minute


def test_who_is_listed_is_admitted_without_a_case_once_the_stage_is_open_and_it_has_an_account() -> None:
    made = world(is_open=False)
    account(made, "A")
    account(made, "C")
    assert held(made) == []
    made.open()
    assert held(made) == ["org-A api", "org-A codex"]
    size = made.state.size
    account(made, "B")
    assert held(made)[2:] == ["org-B api", "org-B codex"]
    assert made.types(size) == [
        "organization.described",
        "account.opened",
        "grant.approved",
        "grant.approved",
    ]
    assert [case.kind for case in made.state.cases.values()] == ["terms"]
    answer = asked(made, key(made, grant(made)))
    assert isinstance(answer, Allow)
    assert (answer.until_ms, answer.requests_per_minute) == (made.now_ms + 30 * DAY_MS, 600)


def test_a_grant_by_a_list_rests_on_the_positions_on_its_terms() -> None:
    made = world()
    account(made, "A")
    said = made.entries[-1].public
    (terms,) = made.state.cases.values()
    assert (said["case"], said["party"]) == (terms.id, party("A"))
    assert [each["agency"] for each in said["positions"]] == ["oncd", "ostp"]
    assert made.state.party_of(said["grant"]) == party("A")


def test_the_record_has_no_name_of_a_list() -> None:
    made = world(["Very Secret Partner"])
    account(made, "Very Secret Partner", organization="org-x")
    assert all(b"Secret" not in entry.leaf for entry in made.entries)
    assert all(b"Secret" not in each.body for entry in made.entries for each in entry.gate.values())
    opens = next(entry for entry in made.entries if entry.type == "case.opened").sealed["listed"]
    assert opens.value()[party("Very Secret Partner")]["dossier"] == {
        "organization": {"name": "Very Secret Partner"}
    }


def test_a_list_that_is_not_agreed_to_admits_no_one() -> None:
    made = World()
    made.must(applying(value(), ["A"]))
    account(made, "A")
    (case,) = made.cases()
    made.say(case, "oncd")
    assert held(made) == []
    made.say(case, "ostp")
    assert held(made) == []
    made.open()
    assert held(made) == ["org-A api", "org-A codex"]


def test_a_plan_whose_names_are_not_sealed_is_refused() -> None:
    made = World()
    assert made.refused(ApplyPlan(read_listed(value(), ["A"]))) == "names_in_clear"


def test_no_one_applies_for_a_stage_that_names_its_organizations() -> None:
    assert world().refused(application()) == "no_application_needed"


def test_one_organization_bears_a_name_also_if_another_of_that_name_comes() -> None:
    made = world()
    account(made, "A")
    account(made, "A", organization="org-other")
    assert held(made) == ["org-A api", "org-A codex"]
    made.must(CloseAccount(made.state.accounts.newest["org-A"]))
    made.later(31)
    assert held(made) == []


# Lists that change


def test_a_name_that_is_added_is_a_change_that_agencies_have_to_agree_to() -> None:
    made = world(["A"])
    account(made, "A")
    account(made, "B")
    done = made.must(applying(value(), ["A", "B"]))
    assert (done["loosened"], len(done["cases"])) == ({STAGE: ["audience"]}, 1)
    change = next(each for each in done["changes"] if each["field"].endswith("audience.organizations"))
    assert (change["before"], change["after"]) == ("1 organization", "2 organizations: 1 new, 0 gone")
    assert held(made) == ["org-A api", "org-A codex"]
    made.agree()
    assert held(made) == ["org-A api", "org-A codex"]
    made.open()
    assert held(made) == ["org-A api", "org-A codex", "org-B api", "org-B codex"]


def test_a_name_that_is_gone_admits_no_one_any_more_and_its_grant_goes_on() -> None:
    made = world(["A", "B", "C"])
    account(made, "A")
    done = made.must(applying(value(), ["B", "C"]))
    assert (done["tightened"], done["cases"]) == ([STAGE], [])
    account(made, "B")
    assert held(made) == ["org-A api", "org-A codex", "org-B api", "org-B codex"]
    done = made.must(applying(value(), ["C"]))
    made.must(SurrenderGrant(grant(made, "org-B")))
    account(made, "C")
    assert held(made) == ["org-A api", "org-A codex", "org-B codex", "org-C api", "org-C codex"]


def test_the_same_plan_again_changes_nothing() -> None:
    made = world()
    size = made.state.size
    done = made.must(applying(value(), ["A", "B"]))
    assert (done["changes"], made.state.size) == ([], size)


@given(st.lists(st.sampled_from("ABCD"), unique=True), st.lists(st.sampled_from("ABCD"), unique=True))
def test_a_list_is_tighter_only_if_it_names_no_one_else(new: list[str], old: list[str]) -> None:
    plans = [applying(value(), names).plan for names in (new, old)]
    stages = [each.stages[STAGE] for each in plans]
    fields = tightness.loosened(plans[0], stages[0], plans[1], stages[1])
    assert fields == ([] if set(new) <= set(old) else ["audience"])


def test_a_list_is_not_tighter_than_those_who_apply_nor_the_other_way_round() -> None:
    by_list, by_case = applying(value(), ["A"]).plan, read_plan(plan_value())
    for new, old in ((by_list, by_case), (by_case, by_list)):
        fields = tightness.loosened(new, new.stages[STAGE], old, old.stages[STAGE])
        assert fields == ["audience"]


# What holds for grants holds for those


def test_an_agreement_admits_a_name_once_and_a_new_one_again() -> None:
    made = world(["A"])
    account(made, "A")
    made.must(SurrenderGrant(grant(made)))
    made.later(31)
    assert held(made) == []
    made.must(applying(value(conditions={"validFor": "P60D"}), ["A"]))
    made.agree()
    made.open()
    assert held(made) == ["org-A api", "org-A codex"]


def test_who_was_removed_is_not_admitted_by_its_name_again() -> None:
    made = world(["A"])
    account(made, "A")
    case = made.case(made.must(OpenRemoval(grant(made), "misuse", "a notice"))["case"])
    made.all_say(case, "oncd approve", "ostp approve")
    made.later(11)
    made.must(applying(value(conditions={"validFor": "P60D"}), ["A"]))
    made.agree()
    made.open()
    assert held(made) == ["org-A codex"]


def test_who_was_removed_before_is_not_let_in_by_a_list_of_a_later_stage() -> None:
    partners = stage("partners", audience=LISTED)
    made = World()
    made.must(applying(plan_value(stages=[stage(), partners]), ["A"]))
    made.agree()
    made.open()
    account(made, "A")
    first = made.admit("org-A")
    case = made.case(made.must(OpenRemoval(first, "misuse", "a notice"))["case"])
    made.all_say(case, "oncd approve", "ostp approve")
    made.later(11)
    made.open(name="partners")
    assert held(made) == ["org-A codex"]


def test_a_removal_of_a_listed_organization_can_be_appealed_and_leaves_the_others_alone() -> None:
    made = world()
    account(made, "A", "user of A")
    account(made, "B")
    name = grant(made)
    case = made.case(made.must(OpenRemoval(name, "misuse", "a notice"))["case"])
    assert (case.principal, case.question.party) == ("user of A", party("A"))
    made.all_say(case, "oncd approve", "ostp approve")
    made.later(11)
    assert made.state.grants[name].standing == "removed"
    appeal = OpenAppeal(
        case.id, "it is wrong", opened_in(made.entries[terms_of(made).seq].sealed, party("A"))
    )
    heard = made.case(made.must(appeal)["case"])
    made.all_say(heard, "caisi approve")
    assert made.state.grants[name].standing is None
    assert held(made) == ["org-A api", "org-A codex", "org-B api", "org-B codex"]


def test_a_directive_stops_those_of_a_list() -> None:
    made = world()
    account(made, "A")
    account(made, "B")
    keys = [key(made, grant(made, name), name) for name in ("org-A", "org-B")]
    made.direct("d-1", ["org-A"])
    first, other = (asked(made, each) for each in keys)
    assert isinstance(first, Deny)
    assert (first.reason, isinstance(other, Allow)) == (Reason.DIRECTIVE_IN_FORCE, True)


def test_a_grant_by_a_list_is_suspended_and_ends_as_any_other() -> None:
    made = world(["A"])
    account(made, "A")
    digest = key(made, grant(made))
    made.must(SuspendGrant(grant(made), "misuse"))
    assert asked(made, digest) == Deny(Reason.GRANT_SUSPENDED)
    made.later(31)
    assert held(made) == []


def test_a_grant_by_a_list_is_renewed_in_a_case_over_the_name_that_was_agreed_to() -> None:
    made = world(["A"])
    account(made, "A")
    first = made.state.grants[grant(made)]
    dossier = opened_in(made.entries[terms_of(made).seq].sealed, party("A"))
    assert dossier is not None
    case = made.case(made.must(Amend(first.id, renew=True, dossier=dossier))["application"])
    made.later(3)
    made.all_say(case, "oncd approve", "ostp approve")
    after = made.state.grants[first.id]
    assert after.valid_until_ms == made.now_ms + 30 * DAY_MS
    assert (after.dossier, made.state.party_of(first.id)) == (first.dossier, party("A"))


def test_a_grant_by_a_list_becomes_part_of_a_stage_for_everyone() -> None:
    general = stage(
        GENERAL,
        audience="everyone",
        admission=None,
        conditions={"requestsPerMinute": 60},
        grants={STAGE: {"become": GENERAL}},
        **AGREED,
    )
    made = world(["A"], more=[general])
    account(made, "A")
    digest = key(made, grant(made))
    assert rate(made, digest) == 600
    made.open(name=GENERAL)
    assert rate(made, digest) == 60


def test_seats_are_taken_in_the_order_of_the_list() -> None:
    made = world(["A", "B"], seats=2)
    account(made, "A")
    looser = value(seats=2, conditions={"validFor": "P60D"})
    made.must(applying(looser, ["B", "C"]))
    made.agree()
    made.open()
    account(made, "C")
    account(made, "B")
    assert held(made) == ["org-A api", "org-A codex", "org-C api", "org-C codex"]
    for surface in (API, CODEX):
        made.must(SurrenderGrant(grant(made, surface=surface)))
    assert held(made) == ["org-C api", "org-C codex", "org-B api", "org-B codex"]


def test_no_more_are_admitted_than_an_enforced_exposure_says() -> None:
    made = world(["A", "B"], exposure={"organizations": {"value": 1, "enforced": True}})
    account(made, "B")
    account(made, "A")
    assert held(made) == ["org-B api", "org-B codex"]


def test_a_stage_that_is_closed_or_halted_admits_no_one() -> None:
    made = world()
    made.must(CloseStage(stage_closing(signer=OFFICER)))
    account(made, "A")
    assert held(made) == []
    made.open()
    assert held(made) == ["org-A api", "org-A codex"]


def test_who_acts_for_its_account_acts_for_its_grant() -> None:
    made = world(["A"])
    first = account(made, "A", "user of A")
    found = made.state.grants[grant(made)]
    assert made.state.holder_of(found) == "user of A"
    assert found.id in made.state.granted.of("applicant", "user of A")
    made.must(CloseAccount(first))
    assert made.state.holder_of(found) == ""
    account(made, "A", "another user")
    assert made.state.holder_of(found) == "another user"
    assert list(made.state.granted.of("applicant", "another user")) == list(made.state.grants)


def test_a_record_of_its_json_goes_on() -> None:
    made = world()
    account(made, "A")
    again = Record.from_json(made.state.record.to_json())
    assert again.listed == made.state.record.listed
    assert again.party_of(grant(made)) == party("A")


# Evaluators


def evaluated(**changes: Any) -> World:
    made = World()
    stages = [stage(audience="evaluators", **changes)]
    made.must(applying(plan_value(stages=stages, evaluators=LAB)))
    made.agree()
    return made


def test_the_evaluators_of_the_plan_are_admitted_as_those_of_a_list() -> None:
    made = evaluated()
    account(made, "A", "evaluator")
    made.open()
    assert held(made) == ["org-A api", "org-A codex"]
    assert isinstance(asked(made, key(made, grant(made))), Allow)


def test_another_evaluator_is_a_change_that_agencies_have_to_agree_to() -> None:
    made = evaluated()
    more = {**LAB, "third": {"name": "C"}}
    plan = plan_value(stages=[stage(audience="evaluators")], evaluators=more)
    assert made.must(applying(plan))["loosened"] == {STAGE: ["audience"]}
    fewer = plan_value(stages=[stage(audience="evaluators")], evaluators={"caisi": {"name": "A"}})
    made.agree()
    assert made.must(applying(fewer))["tightened"] == [STAGE]


def test_evaluators_of_a_plan_change_no_terms_of_other_stages() -> None:
    assert read_plan(plan_value()).terms == read_plan(plan_value(evaluators=LAB)).terms


# The same, read literally from plan, log and time


@dataclass
class Reading:
    """What a log says, entry by entry, with nothing looked up by an index."""

    names: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, bool] = field(default_factory=dict)
    grants: dict[str, dict[str, Any]] = field(default_factory=dict)
    under: dict[str, str] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)

    def read(self, entry: Entry) -> None:
        said = entry.public
        if entry.type == "release.applied":
            (first,) = said["plan"]["spec"]["stages"]
            self.listed = set(first["audience"]["organizations"])
        elif entry.type == "organization.described":
            described = gate_value(entry, "described")
            self.names[described["organization"]] = described["name"]
        elif entry.type == "grant.approved":
            who = gate_value(entry, "organization")
            self.grants[said["grant"]] = {**said, "organization": who, "how": ""}
        elif entry.type in {"grant.ended", "grant.suspended"}:
            self.grants[said["grant"]]["how"] = said.get("how", "suspended")
        elif entry.type == "credential.issued":
            self.under[gate_value(entry, "digest")] = said["grant"]


def entitled(entries: Sequence[Entry], signed: Sequence[set[str]], digest: bytes, at_ms: int) -> bool:
    """Whether a key may use the model, by a slow reading: its organization bears a name that was signed."""
    log = Reading()
    for entry in entries:
        log.read(entry)
    found = log.grants[log.under[digest.hex()]]
    bears = log.names[found["organization"]]
    was_signed = any(tags(name)[0] == bears for names in signed for name in names)
    return was_signed and found["how"] == "" and times.parse_time(found["validUntil"]) > at_ms


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("account"), st.sampled_from("ABC")),
        st.tuples(st.just("suspend"), st.sampled_from("ABC")),
        st.tuples(st.just("surrender"), st.sampled_from("ABC")),
        st.tuples(st.just("list"), st.sets(st.sampled_from("ABC"), min_size=1)),
        st.tuples(st.just("agree"), st.just("")),
        st.tuples(st.just("open"), st.just("")),
        st.tuples(st.just("days"), st.sampled_from([1, 7, 31])),
    ),
    min_size=1,
    max_size=14,
)


def done(made: World, what: str, which: Any) -> None:
    """One step of a history; one that makes no sense is left out."""
    own = made.state.table.grants.get((f"org-{which}", RELEASE, API)) if type(which) is str else None
    is_live = own is not None and not own.has_ended
    if what == "account":
        account(made, which)
    elif own is not None and what == "suspend" and own.barred is None:
        made.must(SuspendGrant(own.id, "misuse"))
    elif own is not None and what == "surrender" and is_live:
        made.must(SurrenderGrant(own.id))
    elif what == "list":
        made.must(applying(value(), sorted(which)))
    elif what == "agree":
        made.agree()
    elif what == "open" and made.state.releases[RELEASE].agreed:
        made.open()
    elif what == "days":
        made.later(which)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_entitlements_are_those_of_a_literal_reading(steps: list[tuple[str, Any]]) -> None:
    made, digests = world(["A"], is_open=False), dict[str, bytes]()
    current, signed = {"A"}, [{"A"}]
    for what, which in steps:
        done(made, what, which)
        current = which if what == "list" else current
        signed += [current] if what == "agree" else []
        for name, row in made.state.table.grants_by_id.items():
            if name not in digests and not row.has_ended and row.barred is None:
                digests[name] = key(made, name, name)
        for name, digest in digests.items():
            surface = made.state.grants[name].surface
            is_allowed = isinstance(asked(made, digest, surface), Allow)
            assert is_allowed == entitled(made.entries, signed, digest, made.now_ms), name


@pytest.mark.parametrize("name", ["A", "B"])
def test_a_name_is_committed_to_in_the_same_way_by_each_plan(name: str) -> None:
    first, second = (applying(value(), names).plan for names in ([name], [name, "C"]))
    assert set(first.listed(first.stages[STAGE])) < set(second.listed(second.stages[STAGE]))
