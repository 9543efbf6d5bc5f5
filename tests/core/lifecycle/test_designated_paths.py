"""Whatever parties do in whatever order, no one is admitted by less than the level that holds asks for.

The reading here is literal and slow: it knows only what entries say in public, and the words of the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.clearances import RecordClearance
from sluicegate.core.lifecycle.designations import Reconsider
from sluicegate.core.lifecycle.grants import SurrenderGrant
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.releases import ApplyPlan, CloseStage, OpenStage
from sluicegate.core.terms.trust import Floor, Releases
from sluicegate_record.entities.clearing import key_of
from sluicegate_record.entries import Entry
from sluicegate_record.statements.clearances import Clearance
from sluicegate_record.terms.clearances import ADOPTED
from sluicegate_record.terms.rule import Rule
from tests.core.access.test_vouch import folded
from tests.core.lifecycle.test_designations import COMPARABLE, COVERED, command, word
from tests.worlds import (
    AGENCIES,
    DEVELOPER,
    LOG,
    MODEL,
    PINS,
    RELEASE,
    World,
    application,
    digest,
    opening,
    plan_value,
    position,
    read_plan,
    signed,
    stage,
    stage_closing,
)

CLOCK = {"within": 20, "unit": "days", "calendar": "weekends", "silence": "deny"}
STANDARD = "framework"
LEVELS: dict[str, Any] = {
    "elevated": {"addAgencies": ["caisi"], "clock": CLOCK},
    "close": {
        "seats": 1,
        "requires": {"allOf": [{"adopted": {"standard": STANDARD, "by": ["ostp"]}}]},
    },
}
CLASSES = {COVERED: {"scrutiny": "elevated"}, COMPARABLE: {"scrutiny": "close"}}
BASIS = {"kind": "agreed", "askedBy": ["oncd"], "how": "a call", "askedOn": "2026-06-24"}
OWN = {"within": 5, "unit": "days", "calendar": "weekends", "silence": "no-objection"}


def plan(days: int, seats: int, *by: str) -> dict[str, Any]:
    admission = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, "clock": OWN}
    asked = {"allOf": [{"terms": "agreed"}]}
    conditions = {"validFor": f"P{days}D"}
    only = stage(basis=BASIS, admission=admission, seats=seats, conditions=conditions, opensWhen=asked)
    designations = {"by": list(by), "classes": CLASSES}
    return plan_value(stages=[only], designations=designations, scrutiny=LEVELS)


PLANS = (
    plan(30, 9, "oncd", "ostp"),
    plan(30, 3, "oncd", "ostp"),
    plan(60, 9, "oncd", "ostp"),
    plan(30, 9, "oncd"),
)
ORGANIZATIONS = ("org-1", "org-2", "org-3")
agencies, classes = st.sampled_from(("oncd", "ostp")), st.sampled_from((COVERED, COMPARABLE))
steps = st.one_of(
    st.tuples(st.just("judge"), agencies, classes, st.sampled_from(("designates", "withdraws"))),
    st.tuples(st.just("reconsider"), agencies, classes),
    st.tuples(st.just("apply"), st.integers(0, len(PLANS) - 1)),
    st.tuples(st.just("agree")),
    st.tuples(st.just("submit"), st.sampled_from(ORGANIZATIONS)),
    st.tuples(st.just("say"), st.sampled_from(AGENCIES), st.sampled_from(("approve", "approve", "object"))),
    st.tuples(st.just("say all")),
    st.tuples(st.just("surrender")),
    st.tuples(st.just("adopt"), st.sampled_from(("adopts", "withdraws"))),
    st.tuples(st.just("close")),
    st.tuples(st.just("open")),
    st.tuples(st.just("wait"), st.integers(1, 25)),
)


class Course:
    """What is done in a world; what is refused changes nothing."""

    def __init__(self) -> None:
        self.world = World()
        self.world.apply(PLANS[0])
        self.world.agree()

    def go(self, step: Sequence[Any]) -> None:
        what, *about = step
        getattr(self, f"_{what.replace(' ', '_')}")(*about)

    def _judge(self, agency: str, class_: str, says: str) -> None:
        other = "mythos-5" if class_ == COMPARABLE else None
        self.world.do(command(word(self.world, agency, says, class_=class_, comparable_to=other)))

    def _reconsider(self, agency: str, class_: str) -> None:
        for known in list(self.world.state.record.designations.values()):
            if (known.agency, known.class_) == (agency, class_):
                self.world.do(Reconsider(RELEASE, known.digest, "it is wrong"))

    def _apply(self, which: int) -> None:
        self.world.do(ApplyPlan(read_plan(PLANS[which])))

    def _agree(self) -> None:
        for case in self.world.cases():
            if case.kind == "terms" and case.state != "determined":
                for agency in sorted(case.parties):
                    self.world.do(RecordPosition(position(case, agency)))

    def _submit(self, organization: str) -> None:
        self.world.do(application(organization))

    def _say(self, agency: str, says: str) -> None:
        for case in self.world.cases():
            if case.state != "determined" and agency in case.parties:
                self.world.do(RecordPosition(position(case, agency, says)))

    def _say_all(self) -> None:
        for agency in AGENCIES:
            self._say(agency, "approve")

    def _surrender(self) -> None:
        for grant in list(self.world.state.grants):
            self.world.do(SurrenderGrant(grant))

    def _adopt(self, says: str) -> None:
        known = self.world.state.record.clearances.get(key_of(RELEASE, ADOPTED, STANDARD, "ostp"))
        said = Clearance(
            log=LOG,
            release=RELEASE,
            party="ostp",
            says=says,
            about=STANDARD,
            version="1" if says == "adopts" else None,
            previous=None if known is None else known.digest,
        )
        self.world.do(RecordClearance(signed(said.payload(), "ostp")))

    def _close(self) -> None:
        self.world.do(CloseStage(stage_closing()))

    def _open(self) -> None:
        self.world.do(OpenStage(opening(self.world.state)))

    def _wait(self, days: int) -> None:
        self.world.later(days)


class Reading:
    """What the entries say, read one by one in their words.

    A stage that is closed may admit: such a grant has no effect until the stage opens, and it opens only
    with all that the level requires.
    """

    def __init__(self) -> None:
        self.spec: Mapping[str, Any] = {}
        self.held: dict[tuple[str, ...], str] = {}
        self.said: dict[str, dict[str, str]] = {}
        self.live: dict[str, str] = {}
        self.asked: dict[str, str] = {}
        self.adopted = self.is_open = False
        self.admitted = 0

    def levels(self) -> set[str]:
        """The levels that hold: of designations by an agency that the plan names, of a model that it has."""
        models = {each["digest"] for each in self.spec["models"]}
        stated = self.spec["designations"]
        return {
            stated["classes"][class_]["scrutiny"]
            for agency, model, class_ in self.held
            if agency in stated["by"] and model in models
        }

    def read(self, entry: Entry) -> Iterator[str]:
        """What an entry does that the levels do not let it do."""
        body, name = entry.public, entry.type.replace(".", "_")
        yield from getattr(self, f"_{name}", lambda entry, body: ())(entry, body)

    def _release_applied(self, entry: Entry, body: Mapping[str, Any]) -> Iterator[str]:
        self.spec = body["plan"]["spec"]
        self.is_open = self.is_open and bool(body.get("tightened"))
        yield from ()

    def _designation_recorded(self, entry: Entry, body: Mapping[str, Any]) -> Iterator[str]:
        about = body["agency"], body["model"], body["class"]
        if body["says"] == "designates":
            self.held[about] = body["digest"]
        else:
            del self.held[about]
        yield from ()

    def _designation_ended(self, entry: Entry, body: Mapping[str, Any]) -> Iterator[str]:
        self.held = {about: each for about, each in self.held.items() if each != body["designation"]}
        yield from ()

    def _clearance_recorded(self, entry: Entry, body: Mapping[str, Any]) -> Iterator[str]:
        self.adopted = body["says"] == "adopts"
        yield from ()

    def _case_opened(self, entry: Entry, body: Mapping[str, Any]) -> Iterator[str]:
        if body["kind"] != "admission":
            return
        self.said[body["case"]] = {}
        within = 20 if "elevated" in self.levels() else 5
        if body["procedure"]["clock"]["within"] != within:
            yield f"another clock than of {within} days"

    def _position_recorded(self, entry: Entry, body: Mapping[str, Any]) -> Iterator[str]:
        self.said.setdefault(body["case"], {})[body["agency"]] = body["position"]
        yield from ()

    def _grant_approved(self, entry: Entry, body: Mapping[str, Any]) -> Iterator[str]:
        levels, said = self.levels(), self.said[body["case"]]
        needed = {"oncd", "ostp", *(["caisi"] if "elevated" in levels else [])}
        lacking = sorted(each for each in needed if said.get(each) != "approve")
        if lacking:
            yield f"a grant without {', '.join(lacking)}"
        if self.is_open and "close" in levels and not self.adopted:
            yield "a grant while the stage is open, and lacks what the level requires"
        self.admitted += 1
        self.live[body["grant"]] = body["case"]
        most = 1 if "close" in levels else self.spec["stages"][0]["seats"]
        if len(self.live) > most:
            yield f"{len(self.live)} of {most} seats"

    def _grant_ended(self, entry: Entry, body: Mapping[str, Any]) -> Iterator[str]:
        del self.live[body["grant"]]
        yield from ()

    def _stage_closed(self, entry: Entry, body: Mapping[str, Any]) -> Iterator[str]:
        self.is_open = False
        yield from ()

    def _stage_opened(self, entry: Entry, body: Mapping[str, Any]) -> Iterator[str]:
        self.is_open = True
        if "close" in self.levels() and not self.adopted:
            yield "an opening without what the level requires"


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, min_size=5, max_size=30))
def test_no_one_is_admitted_by_less_than_the_level_that_holds(course: list[tuple[Any, ...]]) -> None:
    made, reading = Course(), Reading()
    for step in course:
        made.go(step)
    found = [f"entry {entry.seq}: {each}" for entry in made.world.entries for each in reading.read(entry)]
    assert found == []
    floor = Floor(Rule("allOf", ("oncd", "ostp")), {MODEL: "demo"})
    table = VouchedTable(Releases(DEVELOPER, LOG, PINS, {RELEASE: floor}))
    folded(made.world.entries, table)
    assert not table.findings
    assert table.listings == made.world.state.table.listings
    assert table.open_terms == made.world.state.table.open_terms
    open_now = {terms for terms, at_ms in made.world.state.record.opened.items() if at_ms is not None}
    assert table.open_terms == open_now


def test_the_reading_sees_admissions_under_a_level() -> None:
    made, reading = Course(), Reading()
    course = ("judge", "oncd", COVERED, "designates"), ("submit", "org-1"), ("say all",)
    for step in course:
        made.go(step)
    assert [each for entry in made.world.entries for each in reading.read(entry)] == []
    assert (reading.levels(), reading.admitted) == ({"elevated"}, 1)
    assert digest(MODEL) in {model for _, model, _ in reading.held}
