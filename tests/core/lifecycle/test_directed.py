"""What an agency may direct alone: one stolen key does not stop every model."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.access.decision import Allow
from sluicegate.core.access.refusals import Deny
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.directives import Confirm, IssueDirective, directed
from sluicegate_record import law
from sluicegate_record.entries import Hidden
from sluicegate_record.form import replace
from sluicegate_record.law import Breach, Support, Unchecked
from sluicegate_record.record import Record
from sluicegate_record.statements.directives import Confirmation, DirectiveStatement
from tests.core.access.test_vouch import asked, folded, trust
from tests.core.lifecycle.test_directives import OFFICERS, transcription
from tests.forging import told
from tests.worlds import (
    AGENCIES,
    DEVELOPER,
    LOG,
    MODEL,
    OFFICER,
    World,
    directive_payload,
    directive_value,
    plan_value,
    signed,
)

OTHER = "gpt-6"


def agencies(**directs: Any) -> dict[str, Any]:
    """The agencies of a plan, and what it says that they direct."""
    return {
        name: {"name": name.upper(), **({"directs": directs[name]} if name in directs else {})}
        for name in AGENCIES
    }


def without(*names: str) -> dict[str, Any]:
    return {name: each for name, each in agencies().items() if name not in names}


def order(
    *signers: str, issuer: str = "caisi", metadata: dict[str, Any] | None = None, **changes: Any
) -> IssueDirective:
    """A directive that an agency issues, signed by it or by others too."""
    value = directive_value("d-1", issuer=issuer, **{"liftedBy": {"allOf": [issuer]}, **changes})
    value["metadata"] |= {"log": LOG, **(metadata or {})}
    return IssueDirective(signed(directive_payload(value), *(signers or (issuer,))))


def two_releases(first: dict[str, Any] | None = None, **second: Any) -> World:
    """A world of two releases. By default `caisi` is no agency of the second one."""
    world = World.opened()
    if first is not None:
        world.apply(plan_value(agencies=first))
    world.apply(plan_value(OTHER, models=(OTHER,), **{"agencies": without("caisi"), **second}))
    return world


# What the plan does not say


def test_by_default_an_agency_directs_the_models_of_its_releases() -> None:
    world = two_releases()
    assert directed(world.state, "caisi", None) == {MODEL}
    assert directed(world.state, "oncd", None) == {MODEL, OTHER}
    assert directed(world.state, "bis", None) == set()
    assert world.refused(order(models=[MODEL, OTHER])) == "not_directed"
    assert world.state.table.directives == {}
    world.must(order(models=[MODEL]))


def test_an_agency_directs_a_model_that_a_release_has_had() -> None:
    """There are grants for it, perhaps."""
    world = World.opened()
    world.credential(world.admit())
    world.apply(plan_value(models=["gpt-5.6-mini"]))
    world.must(order(models=[MODEL]))
    assert isinstance(asked(folded(world.entries, Table())), Deny)


def test_a_refusal_says_what_the_agency_directs_and_who_can_sign() -> None:
    refused = two_releases()._do(order(models=[OTHER]), "caisi")
    assert not isinstance(refused, dict)
    assert (refused.kind, refused.code) == ("forbidden", "not_directed")
    assert refused.message == f"'caisi' does not direct {OTHER}; it directs {MODEL}"
    assert "two officers transcribe it" in refused.remedy


@pytest.mark.parametrize("announced", [True, False])
def test_a_refusal_does_not_tell_that_a_model_exists(announced: bool) -> None:
    world = two_releases(announced=announced)
    assert world.refused(order(models=["gpt-none"])) == "model_unknown"
    assert world.refused(order(models=[OTHER])) == ("not_directed" if announced else "model_unknown")
    unsigned = order("stranger", models=[OTHER])
    assert world.refused(unsigned) == world.refused(order("stranger", models=["gpt-none"]))


def test_the_developer_directs_every_model_alone() -> None:
    world = two_releases()
    world.must(order(OFFICER, issuer=DEVELOPER, models=[MODEL, OTHER]))


def test_an_agency_drills_only_what_it_directs() -> None:
    world = two_releases()
    assert world.refused(order(models=[OTHER], metadata={"drill": True})) == "not_directed"


# What two officers sign


def test_two_officers_transcribe_an_order_beyond_that_and_its_issuer_confirms_it() -> None:
    world = two_releases()
    assert world.refused(transcription(OFFICER, issuer="caisi", models=[OTHER])) == "one_officer"
    world.must(transcription(issuer="caisi", models=[OTHER]))
    document = world.state.directives["d-1"].document.digest
    said = Confirmation(log=LOG, directive="d-1", document=document)
    world.must(Confirm(signed(said.payload(), "caisi")))
    assert world.state.table.directives.keys() == {"d-1"}


def test_two_officers_may_sign_what_the_agency_signed() -> None:
    world = two_releases()
    assert world.refused(order("caisi", OFFICER, models=[OTHER])) == "not_directed"
    world.must(order("caisi", *OFFICERS, models=[OTHER]))


def test_an_agency_narrows_no_further_alone_what_officers_transcribed() -> None:
    world = two_releases()
    world.must(transcription(issuer="caisi", models=[OTHER], covers={"registeredIn": ["US"]}))
    stated = {"directive": "d-1", "document": world.state.directives["d-1"].document.digest}
    assert world.refused(order(models=[OTHER], metadata={"replaces": stated})) == "not_directed"
    world.must(order("caisi", *OFFICERS, models=[OTHER], metadata={"replaces": stated}))


# What a plan says


@pytest.mark.parametrize(
    ("stated", "directs"),
    [([], set()), ([MODEL], {MODEL}), ([OTHER], {OTHER}), ([OTHER, MODEL], {MODEL, OTHER})],
)
def test_a_plan_says_what_an_agency_directs(stated: list[str], directs: set[str]) -> None:
    world = two_releases(agencies(caisi=stated))
    assert directed(world.state, "caisi", None) == directs
    for model in (MODEL, OTHER):
        command = order(models=[model], metadata={"name": model})
        if model in directs:
            world.must(command)
        else:
            assert world.refused(command) == "not_directed"


def test_an_agency_directs_a_model_that_it_was_given_in_a_release_that_does_not_name_it() -> None:
    world = two_releases(agencies(caisi=[OTHER]), announced=False)
    world.must(order(models=[OTHER]))


def test_what_two_plans_say_adds_up() -> None:
    world = two_releases(agencies(caisi=[]), agencies=agencies(caisi=[OTHER]))
    assert directed(world.state, "caisi", None) == {OTHER}
    world = two_releases(agencies(caisi=[]), agencies=agencies())
    assert directed(world.state, "caisi", None) == {OTHER}


# What the trust file says


@pytest.mark.parametrize(
    ("plan", "file", "directs"),
    [
        (None, [], set()),
        (None, [OTHER], {OTHER}),
        ([MODEL], [OTHER], set()),
        ([MODEL, OTHER], [OTHER], {OTHER}),
        ([MODEL], None, {MODEL}),
    ],
)
def test_a_trust_file_says_it_too_and_both_hold(
    plan: list[str] | None, file: list[str] | None, directs: set[str]
) -> None:
    world = two_releases(agencies() if plan is None else agencies(caisi=plan))
    stated = {} if file is None else {"caisi": frozenset(file)}
    assert directed(world.state, "caisi", stated.get("caisi")) == directs
    for model in (MODEL, OTHER):
        given = order(models=[model], metadata={"name": model})
        command = IssueDirective(given.envelope, directs=stated)
        if model in directs:
            world.must(command)
        else:
            assert world.refused(command) == "not_directed"


# What the law says


def judged(world: World, support: Support = Support.RECORD) -> Any:
    """The law on an order of `caisi` about both models, which an honest control plane would not append."""
    world.must(transcription(issuer="caisi", models=[MODEL, OTHER]))
    entry = world.entries[-1]
    alone = order(models=[MODEL, OTHER])
    document = DirectiveStatement.read(alone.envelope).document
    signed_by = {"signedBy": "caisi", "signers": ["caisi"], "digest": alone.envelope.digest}
    forged = told(entry, {"document": document, "envelope": alone.envelope.to_json(), **signed_by})
    record = Record()
    for each in world.entries[:-1]:
        record.apply(each)
    return record, forged, law.breach(record, forged, record.pinned(), LOG, support)


@pytest.mark.parametrize("support", Support)
def test_the_law_knows_what_plans_say(support: Support) -> None:
    record, forged, found = judged(two_releases(agencies(caisi=[MODEL])), support)
    assert isinstance(found, Breach)
    assert (found.rule, found.why) == (
        "is_about_what_its_issuer_directs",
        f"a directive about what its issuer does not direct: {OTHER}",
    )
    honoured = law.effect(record, forged, found, record.pinned(), LOG)
    assert honoured is not None  # what narrows applies, lawful or not
    assert honoured.body.document.spec.models == (MODEL, OTHER)  # type: ignore[attr-defined]


def test_a_log_whose_plans_say_nothing_is_as_lawful_as_it_was() -> None:
    assert judged(two_releases())[2] is None


def test_one_plan_that_says_it_is_enough_for_the_law() -> None:
    _, _, found = judged(two_releases(agencies(caisi=[]), agencies=without("caisi")))
    assert isinstance(found, Breach)
    assert found.why.endswith(f"{MODEL}, {OTHER}")


def test_what_a_hidden_plan_says_is_not_known() -> None:
    """A reader of the public parts alone does not know the plan of a release that is not announced."""
    record, forged, found = judged(two_releases(agencies(caisi=[MODEL]), announced=False))
    assert isinstance(found, Breach)
    record.releases[OTHER] = replace(record.releases[OTHER], given=Hidden("0" * 64))
    again = law.breach(record, forged, record.pinned(), LOG, Support.RECORD)
    assert again == Unchecked(("is_about_what_its_issuer_directs",))


# What a gateway with a trust file sees


def test_a_gateway_reports_what_is_beyond_its_trust_file_and_refuses_all_the_same() -> None:
    world = World.opened()
    world.credential(world.admit())
    world.must(order(models=[MODEL]))
    for directs, told_of in (
        ({}, []),
        ({"caisi": frozenset({MODEL})}, []),
        ({"caisi": frozenset[str]()}, [f"by the trust file 'caisi' does not direct {MODEL}"]),
    ):
        table = VouchedTable(trust()._replace(directs=directs))
        assert isinstance(asked(folded(world.entries, table)), Deny)
        assert [each.rpartition(": ")[2] for each in table.told] == told_of


def test_a_gateway_takes_the_word_of_two_officers_beyond_its_trust_file() -> None:
    world = World.opened()
    world.credential(world.admit())
    assert isinstance(asked(folded(world.entries, Table())), Allow)
    world.must(transcription(issuer="caisi"))
    table = VouchedTable(trust()._replace(directs={"caisi": frozenset()}))
    assert isinstance(asked(folded(world.entries, table)), Deny)
    assert not table.findings
