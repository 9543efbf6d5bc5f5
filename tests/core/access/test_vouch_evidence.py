"""A control plane that lies about evidence, to a gateway that checks signatures itself."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.evidence import ResultStatement
from tests.core.access.test_vouch import folded, trust
from tests.core.access.test_vouch_attacks import Liar
from tests.evaluated import TESTED, asking, comparing, envelope, evaluation_of, run, tell, withdrawal
from tests.worlds import LOG, RELEASE, STAGE, World, digest


def by(evidence: str) -> dict[str, Any]:
    """The requirement of a result, met by this one."""
    return {"requirement": "evidence", "evidence": [evidence]}


def records(liar: Liar, found: Envelope, **otherwise: Any) -> None:
    """The control plane puts a result on the record, or says something else of it."""
    stated = ResultStatement.read(found)
    said = {name: value for name, value in stated.said.to_json().items() if name != "log"}
    liar.write(
        "evidence.recorded",
        {
            **said,
            "owner": stated.said.party,
            "result": stated.result,
            "digest": found.digest,
            "envelope": found.to_json(),
            **otherwise,
        },
    )


def lying(world: World, found: Envelope, **otherwise: Any) -> Liar:
    liar = Liar(world)
    records(liar, found, **otherwise)
    liar.opens(by(found.digest))
    return liar


def test_a_stage_opens_there_too_by_a_result_that_its_party_signed() -> None:
    world = asking()
    tell(world, run())
    assert Liar(world).is_open(VouchedTable(trust()))


def test_no_stage_opens_without_a_result() -> None:
    liar = Liar(asking())
    liar.opens(by(""))
    liar.stays_closed()


def test_no_stage_opens_by_a_result_that_another_signed() -> None:
    world = asking()
    lying(world, envelope(evaluation_of(world), run(), signer="oncd")).stays_closed()


def test_no_stage_opens_by_the_developers_own_result_where_the_plan_does_not_say_so() -> None:
    world = asking()
    own = envelope(evaluation_of(world), run(), "openai", signer="release-officer")
    lying(world, own, owner="release-officer").stays_closed()
    lying(world, own, owner="release-officer", party="caisi").stays_closed()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hits": 40}, {}),
        ({"status": "cancelled"}, {}),
        ({"dataset": 14_042}, {}),
        ({"ran": "mockllm/gpt-5.6"}, {}),
        ({}, {"tested": replace(TESTED, digest=digest("other"))}),
        ({}, {"tested": replace(TESTED, safeguards=digest("off"))}),
        ({}, {"log": "another log"}),
        ({}, {"release": "another"}),
        ({}, {"evaluation": "another"}),
    ],
    ids=str,
)
def test_no_stage_opens_by_a_result_that_does_not_meet_the_plan(
    changes: dict[str, Any], said: dict[str, Any]
) -> None:
    world = asking()
    lying(world, envelope(evaluation_of(world), run(**changes), **said)).stays_closed()


def test_no_stage_opens_by_better_counts_than_were_signed() -> None:
    world = asking()
    lying(
        world, envelope(evaluation_of(world), run(hits=40)), run=run().to_json(), result="PASSED"
    ).stays_closed()


def test_a_withdrawal_that_another_signed_takes_nothing_back() -> None:
    """The control plane would have the worse of two results withdrawn, to open the stage by the other one."""
    world = asking("close")
    tell(world, run())
    bad = tell(world, run(hits=40))["evidence"]
    for signer in ("oncd", "release-officer"):
        liar = Liar(world)
        false = withdrawal(bad, signer=signer)
        fields = {"release": RELEASE, "evidence": bad, "party": "caisi", "reason": "wrong digests"}
        more = {"owner": signer, "digest": false.digest, "envelope": false.to_json()}
        liar.write("evidence.withdrawn", {**fields, **more})
        liar.opens(by(bad))
        liar.stays_closed()


def test_a_comparable_model_has_the_terms_of_its_level_whatever_the_control_plane_says_follows() -> None:
    lies: tuple[dict[str, Any], ...] = ({"raised": {}}, {"raised": {STAGE: digest("other terms")}})
    for lie in lies:
        world = comparing()
        result = envelope(evaluation_of(world), run(150, metric="accuracy"))
        liar = Liar(world)
        records(liar, result, **lie)
        table = folded(liar.entries, VouchedTable(trust()))
        assert isinstance(table, VouchedTable)
        plan = table.record.releases[RELEASE].plan
        assert plan.stages[STAGE].admission.grant.to_json() == {"allOf": ["oncd", "ostp", "caisi"]}
        raised = table.record.releases[RELEASE].terms[STAGE]
        assert table.listings[RELEASE].stages[STAGE] == raised
        believed = folded(liar.entries, Table())
        assert believed.listings[RELEASE].stages[STAGE] != raised


def test_no_level_ends_by_a_withdrawal_that_its_party_did_not_sign() -> None:
    world = comparing()
    found = tell(world, run(150, metric="accuracy"))["evidence"]
    liar = Liar(world)
    false = withdrawal(found, signer="release-officer")
    fields = {"release": RELEASE, "evidence": found, "party": "caisi", "reason": "wrong digests"}
    more = {"owner": "release-officer", "digest": false.digest, "envelope": false.to_json()}
    liar.write("evidence.withdrawn", {**fields, **more})
    table = folded(liar.entries, VouchedTable(trust()))
    assert isinstance(table, VouchedTable)
    assert table.record.levels(RELEASE, table.record.releases[RELEASE].stated) == ("close",)


def test_a_run_told_twice_is_not_of_two_parties() -> None:
    world = asking(rule=["caisi", "oncd"])
    tell(world, run())
    lying(world, envelope(evaluation_of(world), run(), "oncd")).stays_closed()


def test_a_worse_result_cannot_be_told_away() -> None:
    """A stage that lost its evidence does not open again by the same good result under another name."""
    world = asking("close")
    good = tell(world, run())
    tell(world, run(hits=40))
    liar = Liar(world)
    first: Entry = next(each for each in liar.entries if each.type == "evidence.recorded")
    liar.again(first, {"run": {**first.public["run"], "run": "another"}})
    liar.opens(by(good["evidence"]))
    liar.stays_closed()


def test_a_result_by_another_threshold_of_the_developer_alone_opens_nothing() -> None:
    """The developer makes the threshold looser: the terms are new, and no agency has agreed to them."""
    world = asking()
    tell(world, run(hits=40))
    looser = asking(atMost=0.5)
    applied = next(each for each in looser.entries if each.type == "release.applied")
    before = world.state.releases[RELEASE].terms
    for tightened in ({}, {STAGE: before[STAGE]}):
        again = Liar(world)
        again.again(applied, {"tightened": tightened})
        terms = applied.public["terms"][STAGE]
        met = [{"requirement": "evidence", "since": "2026-06-21T00:00:00.000Z"}]
        about = {"log": LOG, "release": RELEASE, "stage": STAGE, "terms": terms}
        again.write("stage.opened", {**about, "officer": None, "envelope": None, "met": met})
        tables = folded(again.entries, Table()), folded(again.entries, VouchedTable(trust()))
        assert [terms in each.open_terms for each in tables] == [True, False]
