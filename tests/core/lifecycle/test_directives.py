from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core import canonical, events, statements
from sluicegate.core.events import Opening
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.directives import IssueDirective, OpenLift, covered
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.statements import Position
from sluicegate.errors import BadEnvelope
from tests.worlds import (
    API,
    CODEX,
    DEVELOPER,
    LOG,
    MODEL,
    OFFICER,
    World,
    committed,
    directive,
    directive_value,
    opened_names,
    plan_value,
    position,
    signed,
    suspension,
)

BOUND = {**directive_value("d-1"), "metadata": {"name": "d-1", "log": LOG}}
OTHER_LOG = LOG.replace("openai", "other")
NAMES = ["Example Utility", "Example Grid Operator"]


@pytest.fixture
def world() -> World:
    return World.opened()


def named(**changes: Any) -> IssueDirective:
    """A directive over two organizations, with fields of the command replaced."""
    fields: dict[str, Any] = {
        "envelope": directive(directive_value(covers=committed(NAMES))),
        "named": opened_names(NAMES),
        "organizations": ["org-2", "org-1"],
        **changes,
    }
    return IssueDirective(**fields)


# Issuing


def test_a_directive_is_in_force_at_once(world: World) -> None:
    result = world.direct("d-1")
    assert result["directive"] == "d-1"
    assert world.state.table.covering(MODEL, API, "anybody")
    public = world.entries[-1].public
    assert (public["issuer"], public["signedBy"]) == ("oncd", "oncd")
    assert public["document"] == BOUND


def test_organizations_are_on_the_record_as_count_and_commitment(world: World) -> None:
    world.must(named())
    entry = world.entries[-1]
    assert entry.public["document"]["spec"]["covers"] == committed(NAMES)
    assert entry.gate_value("organizations") == ["org-1", "org-2"]
    assert entry.sealed["organizations"].value() == NAMES
    assert not any(name.encode() in entry.leaf for name in (*NAMES, "org-1", "org-2"))
    assert world.state.table.covering(MODEL, API, "org-1")
    assert world.state.table.covering(MODEL, API, "org-3") is None


@pytest.mark.parametrize("issuer", ["ostp", "caisi", DEVELOPER])
def test_any_party_issues_for_itself(world: World, issuer: str) -> None:
    value = directive_value("d-1", issuer=issuer, liftedBy={"allOf": [issuer]})
    world.must(IssueDirective(directive(value, signer=OFFICER if issuer == DEVELOPER else issuer)))
    assert world.entries[-1].public["signedBy"] == (OFFICER if issuer == DEVELOPER else issuer)


@pytest.mark.parametrize(
    ("signer", "code"),
    [("ostp", "key_of_another_party"), (OFFICER, "key_of_another_party"), ("stranger", "signature_invalid")],
)
def test_nobody_issues_in_the_name_of_another(world: World, signer: str, code: str) -> None:
    assert world.refused(IssueDirective(directive(directive_value(), signer=signer))) == code
    assert world.state.table.directives == {}


def test_a_directive_altered_after_signing_does_not_verify(world: World) -> None:
    given = directive(directive_value())
    other = directive(directive_value(basis={"kind": "order", "authority": "another"})).payload
    assert (
        world.refused(IssueDirective(type(given)(given.payload_type, other, given.signatures)))
        == "signature_invalid"
    )


@pytest.mark.parametrize("log", [OTHER_LOG, LOG.upper(), LOG + " ", "v"])
def test_a_directive_for_another_log_is_refused(world: World, log: str) -> None:
    value = directive_value()
    value["metadata"]["log"] = log
    assert world.refused(IssueDirective(directive(value))) == "other_log"
    assert world.state.table.directives == {}


def test_a_directive_that_names_no_log_is_refused(world: World) -> None:
    payload = statements.directive_payload(directive_value())
    with pytest.raises(BadEnvelope, match="log"):
        world.do(IssueDirective(signed(payload, "oncd")))


@pytest.mark.parametrize(
    "changes",
    [
        {"named": None},
        {"named": opened_names(NAMES[:1])},
        {"named": opened_names([*NAMES, "Example Bank"])},
        {"named": opened_names(NAMES[::-1])},
        {"named": Opening(opened_names(NAMES).salt[::-1], canonical.dumps(NAMES))},
        {"named": Opening(opened_names(NAMES).salt, canonical.dumps([NAMES[0], "Another"]))},
        {"organizations": []},
        {"named": None, "organizations": []},
    ],
    ids=[
        "none",
        "fewer",
        "more",
        "other order",
        "other salt",
        "other names",
        "resolved to nobody",
        "neither",
    ],
)
def test_what_does_not_open_the_commitment_is_refused(world: World, changes: dict[str, Any]) -> None:
    assert world.refused(named(**changes)) == "scope_unproven"


@pytest.mark.parametrize("count", [1, 3, 1_000])
def test_a_wrong_count_is_refused(world: World, count: int) -> None:
    value = directive_value(covers=committed(NAMES, count=count))
    assert world.refused(named(envelope=directive(value))) == "scope_unproven"


@pytest.mark.parametrize("changes", [{"named": opened_names(NAMES)}, {"organizations": ["org-1"]}])
def test_everyone_is_not_named(world: World, changes: dict[str, Any]) -> None:
    command = named(
        **{"envelope": directive(directive_value()), "named": None, "organizations": [], **changes}
    )
    assert world.refused(command) == "scope_unproven"


def test_a_name_is_used_once_even_when_it_was_lifted(world: World) -> None:
    world.direct("d-1")
    assert world.refused(suspension("d-1", ["org-1"])) == "name_taken"
    assert world.refused(suspension("d-1")) == "name_taken"
    world.lift("d-1")
    assert world.refused(suspension("d-1")) == "name_taken"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"models": ["gpt-7"]}, "model_unknown"),
        ({"models": [MODEL, "gpt-7"]}, "model_unknown"),
        ({"models": [MODEL.upper()]}, "model_unknown"),
        ({"surfaces": ["cloud"]}, "surface_unknown"),
        ({"surfaces": [API, "cloud"]}, "surface_unknown"),
        ({"issuer": "bis", "liftedBy": {"allOf": ["oncd"]}}, "party_unknown"),
        ({"liftedBy": {"allOf": ["oncd", "bis"]}}, "party_unknown"),
        ({"liftedBy": {"anyOf": [{"allOf": ["bis"]}, "oncd"]}}, "party_unknown"),
    ],
)
def test_what_covers_nothing_we_know_is_refused(world: World, changes: dict[str, Any], code: str) -> None:
    value = directive_value(**changes)
    assert world.refused(IssueDirective(directive(value))) == code


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "restrict"},
        {"expires": "2026-07-01"},
        {"drain": "PT5S"},
        {"covers": {"organizations": NAMES}},
    ],
)
def test_what_is_signed_and_cannot_be_done_is_refused(world: World, changes: dict[str, Any]) -> None:
    with pytest.raises(BadEnvelope):
        world.do(IssueDirective(directive(directive_value(**changes))))


def test_a_directive_narrows_only_its_models_and_surfaces() -> None:
    world = World.opened(models=["a", "b"])
    world.direct("d-1", models=["a"], surfaces=[CODEX])
    assert world.state.table.covering("a", CODEX, "o")
    assert world.state.table.covering("a", API, "o") is None
    assert world.state.table.covering("b", CODEX, "o") is None


def test_a_surface_is_one_of_the_models_named() -> None:
    world = World.opened(surfaces=[API])
    world.apply(plan_value("other", models=["b"], surfaces=[CODEX]))
    for models, surface in (([MODEL], CODEX), (["b"], API)):
        value = directive_value(models=models, surfaces=[surface])
        assert world.refused(IssueDirective(directive(value))) == "surface_unknown"
    world.direct("d-1", models=[MODEL, "b"], surfaces=[API, CODEX])


def test_what_is_granted_is_covered_though_no_plan_offers_it_any_more(world: World) -> None:
    world.admit("org-1", CODEX)
    world.apply(plan_value(models=["b"], surfaces=[API]))
    world.direct("d-1", surfaces=[CODEX])
    assert world.state.table.covering(MODEL, CODEX, "org-1")
    value = directive_value("d-2", surfaces=[API])
    assert world.refused(IssueDirective(directive(value))) == "surface_unknown"


def test_a_refusal_does_not_list_what_exists() -> None:
    world = World.opened()
    world.apply(plan_value("secret", models=["gpt-6"], surfaces=["hidden"], announced=False))
    for value in (directive_value(models=["gpt-7"]), directive_value(surfaces=["cloud"])):
        refused = world.do(IssueDirective(directive(value)))
        assert isinstance(refused, Refusal)
        assert not any(word in repr(refused) for word in ("gpt-6", "hidden", CODEX))


# Lifting


def test_the_issuer_lifts_what_it_issued(world: World) -> None:
    world.direct("d-1")
    case = world.state.cases[world.must(OpenLift("d-1"))["case"]]
    assert case.rule == {"allOf": ["oncd"]}
    assert case.question["document"] == canonical.digest(BOUND)
    assert case.question["log"] == LOG
    assert world.say(case, "oncd")["determination"] == "approved"
    assert world.state.table.covering(MODEL, API, "o") is None
    assert world.entries[-1].type == events.DIRECTIVE_LIFTED


@pytest.mark.parametrize(("agency", "signer"), [("ostp", "ostp"), (DEVELOPER, OFFICER)])
def test_nobody_else_lifts_it(world: World, agency: str, signer: str) -> None:
    world.direct("d-1")
    case = world.state.cases[world.must(OpenLift("d-1"))["case"]]
    assert world.refused(RecordPosition(position(case, agency, signer=signer))) == "not_asked"
    assert world.refused(RecordPosition(position(case, "oncd", signer=signer))) == "key_of_another_party"
    assert "d-1" in world.state.table.directives


def test_lifting_needs_all_whom_the_directive_names(world: World) -> None:
    world.direct("d-1", liftedBy={"allOf": ["oncd", "ostp"]})
    world.lift("d-1", "oncd")
    assert "d-1" in world.state.table.directives
    world.lift("d-1", "ostp")
    assert "d-1" not in world.state.table.directives


def test_an_open_lift_case_is_gone_on_with(world: World) -> None:
    world.direct("d-1")
    case = world.must(OpenLift("d-1"))["case"]
    size = world.state.size
    assert world.must(OpenLift("d-1"))["case"] == case
    assert world.state.size == size


def test_after_an_objection_lifting_may_be_asked_again(world: World) -> None:
    world.direct("d-1")
    first = world.state.cases[world.must(OpenLift("d-1"))["case"]]
    world.say(first, "oncd", "object")
    assert "d-1" in world.state.table.directives
    second = world.must(OpenLift("d-1"))["case"]
    assert second != first.id
    world.lift("d-1")
    assert "d-1" not in world.state.table.directives


def test_a_position_in_one_lift_case_is_none_in_the_next(world: World) -> None:
    world.direct("d-1", liftedBy={"allOf": ["oncd", "ostp"]})
    first = world.state.cases[world.must(OpenLift("d-1"))["case"]]
    approval = position(first, "oncd")
    world.say(first, "ostp", "object")
    second = world.state.cases[world.must(OpenLift("d-1"))["case"]]
    assert world.refused(RecordPosition(approval)) == "case_determined"
    replayed = Position({**first.question, "case": second.id}, "oncd", "approve", "", None)
    world.must(RecordPosition(signed(statements.position_payload(replayed), "oncd")))  # the same question
    assert second.positions.keys() == {"oncd"}


def test_lifting_one_directive_does_not_lift_another(world: World) -> None:
    world.direct("d-1")
    world.direct("d-2")
    case = world.state.cases[world.must(OpenLift("d-1"))["case"]]
    other = world.state.cases[world.must(OpenLift("d-2"))["case"]]
    forged = position(other, "oncd", question={**case.question, "case": other.id})
    assert world.refused(RecordPosition(forged)) == "other_question"
    world.lift("d-1")
    assert world.state.table.directives.keys() == {"d-2"}
    assert world.state.table.covering(MODEL, API, "o")


@pytest.mark.parametrize("name", ["d-2", "", "x" * 200])
def test_what_is_not_there_is_not_lifted(world: World, name: str) -> None:
    world.direct("d-1")
    assert world.refused(OpenLift(name)) == "directive_unknown"


def test_what_was_lifted_is_not_lifted_again(world: World) -> None:
    world.direct("d-1")
    world.lift()
    assert world.refused(OpenLift("d-1")) == "directive_lifted"


def test_a_lift_outlives_the_plan_that_the_directive_was_about(world: World) -> None:
    world.direct("d-1")
    world.apply(plan_value(models=["gpt-5.6-mini"]))
    world.lift("d-1")
    assert world.state.table.directives == {}


# Whom it covers


def test_the_covered_and_the_spared_are_counted_as_enforcement_counts_them() -> None:
    world = World.opened()
    for i, organization in enumerate(("org-1", "org-2", "org-3")):
        grant = world.admit(organization)
        world.credential(grant, f"{organization} first")
        if i:
            world.credential(grant, f"{organization} second")
    world.revoke(world.credential(world.admit("org-1", CODEX), "revoked")[1])
    world.direct("d-1", ["org-2", "org-9"])
    directive = world.state.table.directives["d-1"]
    assert covered(world.state, directive) == {
        "covered": {"organizations": 1, "credentials": 2},
        "spared": {"organizations": 2, "credentials": 3},
    }


def test_a_directive_on_one_surface_spares_the_keys_of_another() -> None:
    world = World.opened()
    world.credential(world.admit("org-1"), "a")
    world.credential(world.admit("org-1", CODEX), "b")
    world.direct("d-1", surfaces=[CODEX])
    counts = covered(world.state, world.state.table.directives["d-1"])
    assert counts["covered"]["credentials"] == counts["spared"]["credentials"] == 1
