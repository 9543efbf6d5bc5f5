"""Drawn courses of plans, agreements, results and attestations, against a literal reading of the log: earlier
terms are open exactly as long as what they require holds, of the weights and safeguards that run now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.evidence import RecordEvidence
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from tests.core.access.test_vouch import folded, trust
from tests.core.lifecycle.test_clearances import STANDARD, say
from tests.evaluated import NAME, TESTED, asked, envelope, run, withdraw
from tests.worlds import RELEASE, STAGE, World, digest, plan_value, read_plan, stage


class Wanted(NamedTuple):
    """What a plan requires, with `whenLost: close`, and which safeguards it brings."""

    evidence: bool
    attested: bool
    safeguards: str
    seats: int

    @property
    def value(self) -> dict[str, Any]:
        requires: list[dict[str, Any]] = [{"terms": "agreed"}]
        if self.evidence:
            requires.append({"evidence": [NAME], "whenLost": "close"})
        if self.attested:
            requires.append({"attested": {"standard": STANDARD, "by": ["caisi"]}, "whenLost": "close"})
        evaluations: dict[str, Any] = {"evaluations": {NAME: asked()}} if self.evidence else {}
        value = plan_value(stages=[stage(seats=self.seats, opensWhen={"allOf": requires})], **evaluations)
        value["spec"]["models"][0]["safeguards"] = digest(self.safeguards)
        return value


WANTED = st.builds(
    Wanted, st.booleans(), st.booleans(), st.sampled_from(["safe", "newer"]), st.integers(3, 9)
)
STEPS = st.one_of(
    st.tuples(st.just("apply"), WANTED),
    st.tuples(st.just("agree"), st.none()),
    st.tuples(st.sampled_from(["attests", "retracts"]), st.none()),
    st.tuples(st.just("result"), st.sampled_from(["safe", "newer"])),
    st.tuples(st.just("withdraw"), st.integers(0, 3)),
)
ANY = Wanted(evidence=True, attested=False, safeguards="safe", seats=3)


def do(world: World, step: tuple[str, Any], number: int) -> None:
    what, more = step
    if what == "apply":
        world.apply(more.value)
    elif what == "agree":
        world.agree()
    elif what == "result":
        evaluation = read_plan(ANY.value).spec.evaluations[NAME]
        tested = replace(TESTED, safeguards=digest(more))
        world.do(RecordEvidence(envelope(evaluation, run(name=str(number)), tested=tested)))
    elif what == "withdraw":
        stands = [each.id for each in world.state.record.results_of(RELEASE, NAME) if not each.withdrawn_ms]
        if more < len(stands):
            withdraw(world, stands[more])
    elif said(world.entries) != (what == "attests"):
        say(world, "caisi", what)


def said(entries: Sequence[Entry]) -> bool:
    """Whether the last word on the standard attests it."""
    words = [each.public["says"] for each in entries if each.type == "clearance.recorded"]
    return bool(words) and words[-1] == "attests"


def is_tested(entries: Sequence[Entry]) -> bool:
    """Whether a result stands that is of the safeguards of the newest plan."""
    plans = [each for each in entries if each.type == "release.applied"]
    runs = plans[-1].public["plan"]["spec"]["models"][0]["safeguards"]
    gone = {each.public["evidence"] for each in entries if each.type == "evidence.withdrawn"}
    found = [each.public for each in entries if each.type == "evidence.recorded"]
    return any(each["digest"] not in gone and each["tested"]["safeguards"] == runs for each in found)


def holds(entries: Sequence[Entry], terms: str) -> bool:
    """Whether what some terms require holds, by the plan that stated them and the words in the log."""
    stated = [
        each for each in entries if each.type == "release.applied" and terms in each.public["terms"].values()
    ]
    (body,) = stated[-1].public["plan"]["spec"]["stages"]
    asks = {key for each in body["opensWhen"]["allOf"] for key in each}
    return ("attested" not in asks or said(entries)) and ("evidence" not in asks or is_tested(entries))


OTHER = Wanted(evidence=False, attested=False, safeguards="newer", seats=4)
RESULT, AGREE = ("result", "safe"), ("agree", None)


@example([RESULT, ("apply", OTHER)])
@example([RESULT, ("apply", OTHER._replace(safeguards="safe")), ("withdraw", 0)])
@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_earlier_terms_are_open_as_long_as_what_they_require_holds(steps: list[Any]) -> None:
    world = World()
    world.apply(ANY.value)
    world.agree()
    for number, step in enumerate(steps):
        before = set(world.state.record.open_terms(RELEASE, STAGE))
        do(world, step, number)
        open_now = set(world.state.record.open_terms(RELEASE, STAGE))
        current = world.state.releases[RELEASE].terms[STAGE]
        if current in open_now:
            assert holds(world.entries, current), step
        else:
            assert all(holds(world.entries, each) for each in open_now), step
            was_open = current in world.state.record.opened  # it may have lost what newer terms require
            if not was_open and all(holds(world.entries, each) for each in before):
                assert before <= open_now, step
        vouched = folded(list(world.entries), VouchedTable(trust()))
        assert vouched.open_terms == world.state.table.open_terms == open_now, step
