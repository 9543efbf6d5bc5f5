"""Results of evaluations: which count, what opens by them, and what is lost with them."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.lifecycle import evidence
from sluicegate.core.lifecycle.evidence import WithdrawEvidence
from sluicegate_record.entities.release import Release
from sluicegate_record.form import replace
from sluicegate_record.terms.plan import ModelDigests
from tests.evaluated import (
    COMPARED,
    NAME,
    TESTED,
    asking,
    command,
    comparing,
    is_open,
    run,
    spec,
    tell,
    withdraw,
    withdrawal,
)
from tests.worlds import RELEASE, STAGE, World, digest, plan_value, stage


def newest(world: World) -> str:
    found: str = world.types()[-1]
    return found


def test_a_stage_opens_by_a_result_that_meets_the_bound() -> None:
    world = asking()
    assert not is_open(world)
    found = tell(world, run(hits=2))
    assert (found["counts"], found["reasons"], found["result"]) == (True, [], "PASSED")
    assert is_open(world)
    opened = next(each for each in reversed(world.entries) if each.type == "stage.opened")
    (met,) = opened.public["met"]
    assert (met["requirement"], met["evidence"]) == ("evidence", [found["evidence"]])


def test_a_result_counts_by_its_bound_and_not_by_its_point() -> None:
    world = asking()
    found = tell(world, run(hits=0, trials=50))
    assert (found["counts"], found["result"]) == (True, "FAILED")
    assert "at least 0.000000, and at most 0.058156" in found["says"]
    assert "the plan asks for at most 0.05: not met" in found["says"]
    assert not is_open(world)


@pytest.mark.parametrize(
    ("reasons", "changes"),
    [
        (["cancelled"], {"status": "cancelled"}),
        (["incomplete"], {"status": "error"}),
        (["incomplete"], {"status": "started"}),
        (["incomplete"], {"dataset": 300, "samples": 300}),
        (["incomplete"], {"dataset": 300, "samples": 300, "completed": 300}),
        (["partial"], {"dataset": 14_042}),
        (["no_scores"], {"trials": 0, "hits": 0, "sure": 0}),
        (["mock_model"], {"ran": "mockllm/gpt-5.6"}),
        (["mock_model"], {"ran": "none/none"}),
        (["another_model"], {"ran": "openai-api/lab/gpt-5.5"}),
        (["another_model"], {"ran": "openai-api/lab/not-gpt-5.6"}),
        (["another_task"], {"task": "another"}),
        (["another_metric"], {"metric": "accuracy"}),
    ],
    ids=repr,
)
def test_what_proves_nothing_is_marked_with_its_reason(reasons: list[str], changes: dict[str, Any]) -> None:
    world = asking()
    found = tell(world, run(**changes))
    assert (found["counts"], found["reasons"], found["result"]) == (False, reasons, "WARNED")
    assert "it does not count" in found["says"]
    assert not is_open(world)


@pytest.mark.parametrize("name", ["digest", "safeguards"])
def test_a_result_about_other_digests_does_not_count(name: str) -> None:
    world = asking()
    other = replace(TESTED, **{name: digest("other")})  # type: ignore[arg-type]
    found = tell(world, run(), tested=other)
    assert (found["counts"], found["reasons"]) == (False, ["other_digests"])
    assert not is_open(world)


@pytest.mark.parametrize("changed", ["digest", "safeguards"])
def test_a_new_digest_makes_old_evidence_stale(changed: str) -> None:
    world = asking()
    tell(world, run())
    assert is_open(world)
    value = plan_value(**spec())
    value["spec"]["models"][0][changed] = digest("newer")
    world.apply(value)
    world.agree()
    assert not is_open(world)
    newer = replace(TESTED, **{changed: digest("newer")})  # type: ignore[arg-type]
    tell(world, run(name="anew"), tested=newer)
    assert is_open(world)


@pytest.mark.parametrize(("when_lost", "closes"), [("close", True), ("halt", False), ("tell", False)])
def test_who_was_admitted_before_is_cut_off_until_what_runs_now_is_tested(
    when_lost: str, closes: bool
) -> None:
    """Their terms are earlier ones, but what runs are the weights and safeguards of the plan in force."""
    world = asking(when_lost)
    tell(world, run())
    earlier = world.state.releases[RELEASE].terms[STAGE]
    value = plan_value(**spec(when_lost))
    value["spec"]["models"][0]["safeguards"] = digest("newer")
    world.apply(value)
    assert (earlier in world.state.table.open_terms) is not closes
    assert (newest(world) == "stage.closed") is closes
    world.agree()
    newer = replace(TESTED, safeguards=digest("newer"))
    tell(world, run(name="anew"), tested=newer)
    assert earlier in world.state.table.open_terms
    assert is_open(world)


def test_earlier_terms_stay_open_where_another_requirement_is_enough() -> None:
    requires = {"anyOf": [{"evidence": [NAME], "whenLost": "close"}, {"date": "2026-01-01"}]}
    parts = {**spec("close"), "stages": [stage(opensWhen=requires)]}
    world = World.agreed(**parts)
    tell(world, run())
    earlier = world.state.releases[RELEASE].terms[STAGE]
    value = plan_value(**parts)
    value["spec"]["models"][0]["digest"] = digest("newer")
    world.apply(value)
    assert earlier in world.state.table.open_terms


def test_evidence_may_come_before_the_plan_that_it_is_about() -> None:
    world = asking()
    newer = ModelDigests(digest=digest("newer"), safeguards=TESTED.safeguards)
    assert tell(world, run(), tested=newer)["reasons"] == ["other_digests"]
    value = plan_value(**spec())
    value["spec"]["models"][0]["digest"] = digest("newer")
    world.apply(value)
    world.agree()
    assert is_open(world)


def test_every_model_of_the_release_is_to_be_evaluated() -> None:
    world = asking()
    value = plan_value(models=("gpt-5.6", "gpt-5.6-mini"), **spec())
    world.apply(value)
    world.agree()
    tell(world, run())
    assert not is_open(world)
    mini = ModelDigests(digest=digest("gpt-5.6-mini"), safeguards=digest("safe"))
    tell(world, run(name="mini", ran="lab/gpt-5.6-mini"), model="gpt-5.6-mini", tested=mini)
    assert is_open(world)


def test_a_run_of_one_model_is_no_evidence_of_another_one_by_its_digests() -> None:
    """A log that says the digests of another model than it ran, and was signed as it is."""
    world = asking()
    models = ("gpt-5.6", "gpt-5.6-mini")
    world.apply(plan_value(models=models, **spec()))
    world.agree()
    digests = [ModelDigests(digest=digest(name), safeguards=digest("safe")) for name in models]
    for ran, tested in ((models[0], digests[1]), (models[1], digests[0])):
        found = tell(world, run(name=f"run of {ran}", ran=f"lab/{ran}"), model=ran, tested=tested)
        assert (found["counts"], found["reasons"]) == (False, ["other_digests"])
    assert not is_open(world)


LOST = {"halt": "stage.lacking", "tell": "stage.lacking", "close": "stage.closed"}


@pytest.mark.parametrize(("when_lost", "entry"), LOST.items())
def test_a_worse_result_takes_the_stage_back_as_the_plan_says(when_lost: str, entry: str) -> None:
    world = asking(when_lost)
    tell(world, run())
    tell(world, run(hits=40))
    assert newest(world) == entry
    assert is_open(world) is (when_lost != "close")


@pytest.mark.parametrize(
    ("which", "hits", "opens"),
    [
        ("worst", (40, 0), False),
        ("worst", (0, 40), False),
        ("newest", (40, 0), True),
        ("newest", (0, 40), False),
        ("best", (0, 40), True),
        ("best", (40, 0), True),
        ("best", (40, 41), False),
    ],
)
def test_the_plan_says_which_result_counts_where_they_disagree(
    which: str, hits: tuple[int, int], opens: bool
) -> None:
    world = asking(when_lost="close", ifDisagree=which)
    for each in hits:
        tell(world, run(hits=each))
    assert is_open(world) is opens


def test_a_party_that_disagrees_is_not_outvoted_unless_the_plan_says_so() -> None:
    for which, opens in (("worst", False), ("newest", False), ("best", True)):
        world = asking("close", {"anyOf": ["caisi", "oncd"]}, ifDisagree=which)
        tell(world, run())
        tell(world, run(hits=40), "oncd")
        assert is_open(world) is opens


@pytest.mark.parametrize(
    ("which", "hits", "decides", "why"),
    [
        ("worst", (40, 0), 0, "the threshold is not met, and the plan asks that every result meets it"),
        ("worst", (1, 0), 1, "every result that counts meets the threshold; the newest of caisi"),
        ("newest", (40, 0), 1, "the threshold is met by the newest result of caisi"),
        ("newest", (0, 40), 1, "the newest result of each party meets it"),
        ("best", (0, 40), 0, "the threshold is met, and one such result of a party is enough"),
        ("best", (40, 41), None, ""),
    ],
)
def test_which_result_decides_is_shown_beside_the_newest(
    which: str, hits: tuple[int, int], decides: int | None, why: str
) -> None:
    world = asking(ifDisagree=which)
    told = [tell(world, run(hits=each))["evidence"] for each in hits]
    shown = {each.evidence: each.decides for each in evidence.weighed(world.state, released(world))}
    assert shown.keys() == {told[-1]} | ({told[decides]} if decides is not None else set())
    said = [told.index(name) for name, text in shown.items() if text is not None]
    assert said == ([] if decides is None else [decides])
    assert all(why in text for text in shown.values() if text is not None)


def test_what_decides_over_parties_and_models_is_shown() -> None:
    world = asking("close", {"anyOf": ["caisi", "oncd"]})
    tell(world, run())
    against = tell(world, run(hits=40), "oncd")["evidence"]
    found = list(evidence.weighed(world.state, released(world)))
    assert [each.evidence for each in found if each.decides] == [against]
    world = comparing()
    (comparable, _) = (tell(world, run(hits=each, metric="accuracy"))["evidence"] for each in (126, 100))
    found = list(evidence.weighed(world.state, released(world)))
    (why,) = (each.decides for each in found if each.evidence == comparable)
    assert why == "one that is comparable is enough for scrutiny level close"


def released(world: World) -> Release:
    return world.state.releases[RELEASE]


def test_as_many_parties_as_the_rule_asks_for_have_a_result() -> None:
    world = asking(rule=["caisi", "oncd"])
    tell(world, run())
    assert not is_open(world)
    tell(world, run(), "oncd")
    assert not is_open(world), "one run is not of two parties"
    tell(world, run(name="of its own"), "oncd")
    assert is_open(world)


def test_the_developers_own_result_counts_only_where_the_plan_says_so() -> None:
    world = asking()
    own = command(world, run(), "openai", signer="release-officer")
    assert world.refused(own) == "evaluator_not_asked"
    world = asking(rule={"anyOf": ["caisi", "openai"]})
    tell(world, run(), "openai", signer="release-officer")
    assert is_open(world)


def test_a_party_that_the_plan_no_longer_names_does_not_count() -> None:
    world = asking(rule={"anyOf": ["caisi", "oncd"]})
    tell(world, run(), "oncd")
    assert is_open(world)
    world.apply(plan_value(**spec()))
    world.agree()
    assert not is_open(world)


def test_a_run_counts_once_in_whichever_format() -> None:
    world = asking()
    first = command(world, run())
    world.must(first)
    size = world.state.size
    world.must(first)
    assert world.state.size == size
    assert world.refused(command(world, run(log=digest("in another format")))) == "evidence_repeated"
    assert world.refused(command(world, run(run="under another id"))) == "evidence_repeated"


def test_a_result_is_its_partys_and_about_what_the_plan_asks() -> None:
    world = asking()
    assert world.refused(command(world, run(), signer="oncd")) == "key_of_another_party"
    assert world.refused(command(world, run(), evaluation="another")) == "evaluation_unknown"
    assert world.refused(command(world, run(), release="another")) == "evaluation_unknown"
    assert world.refused(command(world, run(), log="another")) == "other_log"
    before = command(world, run())
    world.apply(plan_value(**spec(atMost=0.04)))
    assert world.refused(before) == "evidence_stale"


def test_a_threshold_that_only_the_bound_misses_is_not_met_from_above_either() -> None:
    world = asking(metric="accuracy", atMost=None, atLeast=0.9)
    tell(world, run(hits=92, trials=100, metric="accuracy"))
    assert not is_open(world)
    world = asking(metric="accuracy", atMost=None, atLeast=0.9)
    tell(world, run(hits=96, trials=100, metric="accuracy"))
    assert is_open(world)


def test_what_differs_from_one_time_to_another_counts_against_the_threshold() -> None:
    world = asking()
    found = tell(world, run(hits=10, sure=0, epochs=4))
    assert "0 to 10 of 200" in found["says"]
    assert not is_open(world)


@pytest.mark.parametrize(
    ("hits", "word"),
    [(120, "not comparable to mythos-5"), (126, "comparable to mythos-5"), (150, "comparable to mythos-5")],
)
def test_a_model_is_comparable_unless_it_is_proven_to_be_weaker(hits: int, word: str) -> None:
    world = asking(**COMPARED)
    found = tell(world, run(hits=hits, metric="accuracy"))
    assert f"; {word}, which begins at 0.66" in found["says"]
    assert is_open(world), "any valid result meets an evaluation without a threshold"


def test_the_terms_of_a_stage_bind_what_counts_as_evidence() -> None:
    world = asking()
    before = world.state.releases[RELEASE].terms[STAGE]
    world.apply(plan_value(**spec(atMost=0.06)))
    release = world.state.releases[RELEASE]
    assert release.terms[STAGE] != before
    assert release.terms[STAGE] not in release.agreed
    assert NAME in release.plan.spec.evaluations


# What a party recorded before another one, and what it takes back


@pytest.mark.parametrize("rule", [{"anyOf": ["caisi", "oncd"]}, ["caisi", "oncd"]], ids=["any", "all"])
@pytest.mark.parametrize("same", ["run", "log"])
def test_a_good_result_recorded_first_does_not_hide_a_bad_one_of_the_same_run(rule: Any, same: str) -> None:
    """A party tells well of a run that is another's, before that one can say what came out."""
    world = asking("close", rule)
    bad = run(hits=40)
    tell(world, run(**{same: getattr(bad, same)}))
    tell(world, bad, "oncd")
    assert not is_open(world)


def test_what_another_party_recorded_first_is_shown_so() -> None:
    world = asking(rule={"anyOf": ["caisi", "oncd"]})
    tell(world, run())
    again = tell(world, run(), "oncd")
    shown = evidence.view(world.state, world.state.record.evidence[again["evidence"]])
    assert shown.says.endswith("; caisi recorded this run first: it counts only against the threshold")


@pytest.mark.parametrize(("when_lost", "entry"), LOST.items())
def test_what_its_party_withdraws_counts_no_more(when_lost: str, entry: str) -> None:
    world = asking(when_lost)
    found = tell(world, run())
    done = withdraw(world, found["evidence"])
    assert (done["evidence"], done["party"], done["superseded"]) == (found["evidence"], "caisi", [])
    assert newest(world) == entry
    assert is_open(world) is (when_lost != "close")
    kept = world.state.record.evidence[found["evidence"]]
    assert list(kept.lacks(world.state.releases[RELEASE].plan)) == ["withdrawn"]
    tell(world, run(tool="signed anew"))
    assert is_open(world)


def test_a_withdrawal_is_its_partys_once() -> None:
    world = asking()
    found = tell(world, run())["evidence"]
    assert world.refused(WithdrawEvidence(withdrawal(found, "oncd"))) == "evidence_unknown"
    assert world.refused(WithdrawEvidence(withdrawal(found, signer="oncd"))) == "key_of_another_party"
    assert world.refused(WithdrawEvidence(withdrawal(found, log="another"))) == "other_log"
    assert world.refused(WithdrawEvidence(withdrawal(found, release="another"))) == "evidence_unknown"
    assert world.refused(WithdrawEvidence(withdrawal(digest("none")))) == "evidence_unknown"
    withdraw(world, found)
    size = world.state.size
    withdraw(world, found, reason="wrong, once more")
    assert world.state.size == size
    assert is_open(world), "halted, not closed"
