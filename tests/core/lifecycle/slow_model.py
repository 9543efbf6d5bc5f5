"""Casework read literally from the entries: slow, without indexes, independent of the code under test.

`stand` goes through all entries and says where everything stands; `check` judges the newest entries by where
everything stood before each. Calendars are those without holidays, a day begins at midnight UTC.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from sluicegate_record.entries import Entry
from sluicegate_record.log.times import DAY_MS
from tests.core.reference_model import among, is_news, named, rule_holds
from tests.forging import gate_value, public_of

CONSENTS = {"approve", "approve-with-conditions", "no-objection"}
ASKS_FOR_A_GRANT = {"admission", "amendment"}
TIMED = {"admission", "amendment", "appeal"}
TALK = {"position.recorded", "case.answered", "case.replied", "case.screened", "case.proceeded"}


@dataclass
class Agency:
    """What became of one agency in one case."""

    said: list[Any] = field(default_factory=list)
    started: int | None = None
    asked: int | None = None
    stops: list[tuple[int, int]] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    due: int | None = None
    warned: int | None = None
    silence: str | None = None
    stale: bool = False
    """Whether its newest position is a yes that was signed without something of weight."""

    @property
    def word(self) -> str | None:
        if self.stale:
            return "stale"
        return public_of(self.said[-1])["position"] if self.said else None


@dataclass
class Matter:
    """One case."""

    opened: Entry
    state: str = "in_review"
    outcome: str | None = None
    agencies: dict[str, Agency] = field(default_factory=dict)
    due: int | None = None
    asked: int | None = None
    stops: list[tuple[int, int]] = field(default_factory=list)
    reply_by: int | None = None
    reply_runs: bool = False
    replied: Entry | None = None
    unopposed: bool = False
    proceeded: bool = False
    screened: Entry | None = None
    until: int | None = None
    talk: list[Entry] = field(default_factory=list)
    """All that was said in it."""
    for_the_record: bool = False
    """Whether it contests a removal of a grant that could not be given now."""

    def __post_init__(self) -> None:
        public = public_of(self.opened)
        self.name, self.kind, self.rule = public["case"], public["kind"], public["rule"]
        self.question, self.basis = public["question"], public["basis"]
        self.procedure = public.get("procedure", {})
        self.organization = gate_value(self.opened, "organization") if self.opened.gate else None
        self.agencies = {name: Agency() for name in sorted(named(self.rule))}

    @property
    def clock(self) -> Any:
        """The clock of each agency; where agencies are only notified, none has one of its own."""
        if self.kind not in TIMED or self.procedure["mode"] == "notify":
            return None
        return self.procedure.get("clock")

    @property
    def whole(self) -> tuple[int, str] | None:
        clock = self.procedure.get("clock")
        if self.kind not in TIMED or clock is None:
            return None
        if self.procedure["mode"] == "notify" and self.kind != "appeal":
            return clock["within"], "admit"
        return (clock["overall"]["within"], clock["overall"]["then"]) if "overall" in clock else None

    @property
    def notified(self) -> bool:
        """Whether agencies are only notified: one objection is enough."""
        return self.kind in ASKS_FOR_A_GRANT and self.procedure["mode"] == "notify"

    @property
    def reviewed(self) -> bool:
        return self.state == "in_review"

    def saying(self, *words: str) -> set[str]:
        return {name for name, agency in self.agencies.items() if agency.word in words}

    def silent(self, meaning: str) -> set[str]:
        return {name for name, agency in self.agencies.items() if agency.silence == meaning}

    def left(self) -> Any:
        return among(self.rule, self.saying("recuse"))

    def agreed(self) -> bool:
        """Whether its rule holds, or nobody objected where that is enough."""
        left = self.left()
        yes = self.saying(*CONSENTS) | self.silent("no-objection")
        if self.notified and self.saying("object"):
            return False
        return left is not None and (rule_holds(left, yes) or self.unopposed)

    def refused(self, now: int) -> bool:
        """Whether its rule cannot hold any more. An objection older than the reply waits for its time."""
        against = self.saying("object") | self.silent("deny")
        if self.kind != "removal" and self.replied is not None and now < (self.reply_by or 0):
            since = self.replied.seq
            against = {name for name in self.saying("object") if self.agencies[name].said[-1].seq > since}
        if self.notified:
            return bool(against)
        left = self.left()
        return left is not None and not rule_holds(left, named(left) - against)


@dataclass
class Standing:
    """Where everything stands after some entries."""

    at: int = 0
    cases: dict[str, Matter] = field(default_factory=dict)
    plans: dict[str, Any] = field(default_factory=dict)
    grants: dict[str, dict[str, Any]] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    lists: list[Entry] = field(default_factory=list)
    open_terms: set[str] = field(default_factory=set)
    agreed_terms: set[str] = field(default_factory=set)
    countries: dict[str, str] = field(default_factory=dict)
    """Where an applicant is registered, by the commitment to its dossier."""

    def place_of(self, case: Matter) -> tuple[str, str]:
        return case.question["release"], case.question["stage"]

    def stage(self, place: tuple[str, str]) -> Any:
        stages = self.plans[place[0]]["plan"]["spec"]["stages"]
        return next((stage for stage in stages if stage["name"] == place[1]), None)

    def live(self, grant: str) -> bool:
        return self.grants[grant]["how"] in {"approved", "suspended"}

    def seated(self, place: tuple[str, str]) -> set[str]:
        """The organizations with a grant that has not ended, or an offer that stands."""
        held = {g["organization"] for n, g in self.grants.items() if g["place"] == place and self.live(n)}
        offered = [case for case in self.cases.values() if case.state == "offered"]
        return held | {case.organization or "" for case in offered if self.place_of(case) == place}

    def room(self, place: tuple[str, str], organization: str | None) -> bool:
        stage, seated = self.stage(place), self.seated(place)
        seats = stage.get("seats", 10**9) if stage else 0
        return organization in seated or len(seated) < seats

    def next_in_line(self, place: tuple[str, str]) -> str | None:
        """The first on the waitlist for whom there is room."""
        for name in self.waiting:
            case = self.cases[name]
            if self.place_of(case) == place and self.room(place, case.organization):
                return name
        return None

    def agenda(self) -> dict[tuple[str, str, str], int]:
        """Everything that is due at some time, by what it is about, for whom, and what it is."""
        found: dict[tuple[str, str, str], int | None] = {}
        for case in self.cases.values():
            if case.reviewed:
                for name, agency in case.agencies.items():
                    found[case.name, name, "silence"] = agency.due
                    warn = case.procedure.get("clock", {}).get("warn")
                    if warn is not None and agency.due is not None and agency.warned != agency.due:
                        found[case.name, name, "warning"] = agency.due - lasting(warn)
                found[case.name, "", "whole"] = case.due if case.asked is None else None
                found[case.name, "", "reply"] = case.reply_by if case.reply_runs else None
            if case.state == "offered":
                found[case.name, "", "offer"] = case.until
        for name, grant in self.grants.items():
            if self.live(name):
                found[name, "", "expiry"] = grant["until"]
        return {what: due for what, due in found.items() if due is not None}

    def asked_again(self, case: Matter) -> bool:
        """Whether it lacks a clear screening record that its stage asks for."""
        if case.for_the_record:
            return False
        if case.kind == "appeal" and case.screened is None:
            first = self.cases[case.question["against"]]
            return self.asked_again(self.application_of(first) if first.kind == "removal" else first)
        stage = self.stage(self.place_of(case)) if case.kind in TIMED else None
        if stage is None or "screening" not in stage.get("eligibility", {}):
            return False
        if case.screened is None or public_of(case.screened)["decision"] != "clear":
            return True
        name, version = public_of(case.screened)["list"], public_of(case.screened)["version"]
        since = [public_of(each) for each in self.lists if each.seq > case.screened.seq]
        return any(used["list"] == name and used["version"] != version for used in since)

    def held_up(self, case: Matter) -> bool:
        """Whether something other than the agencies stands between a case and its approval."""
        if case.for_the_record:
            return False
        if self.asked_again(case):
            return True
        if case.kind in TIMED and self.terms_of(case) not in self.agreed_terms:
            return True
        if case.kind == "removal":
            return case.reply_by is not None and self.at < case.reply_by
        if case.kind != "amendment":
            return False
        was_open = self.grants[case.question["grant"]]["terms"] in self.open_terms
        return was_open and self.terms_of(case) not in self.open_terms

    def terms_of(self, case: Matter) -> str | None:
        """The terms in force of the stage that a case is about."""
        terms: str | None = self.plans[case.question["release"]]["terms"].get(case.question["stage"])
        return terms

    def application_of(self, case: Matter) -> Matter:
        """The application that a case goes back to."""
        question = case.question
        if "against" in question:
            return self.application_of(self.cases[question["against"]])
        if "grant" in question:
            return self.application_of(self.cases[self.grants[question["grant"]]["case"]])
        return case

    def may_apply(self, party: str, place: tuple[str, str]) -> bool:
        """Whether an applicant is registered where the stage in force admits."""
        stage = self.stage(place)
        countries = stage.get("eligibility", {}).get("registeredIn") if stage else []
        return countries is None or self.countries[party] in countries

    def decided_by(self, case: Matter) -> Matter:
        """The case whose positions count for another: an appeal that was allowed."""
        for other in self.cases.values():
            if other.question.get("against") == case.name and (other.outcome or "").startswith("approved"):
                return other
        return case


def ms(text: str | None) -> int | None:
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)


def lasting(duration: str) -> int:
    units = {"D": DAY_MS, "H": 3_600_000, "M": 60_000, "S": 1_000}
    return sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)([DHMS])", duration))


def after(clock: Mapping[str, Any], start: int, within: int, stops: Sequence[tuple[int, int]] = ()) -> int:
    """When so many days of the clock are over, day by day."""
    day = start // DAY_MS
    while within:
        day += 1
        weekend = clock["unit"] == "business-days" and (day + 3) % 7 >= 5
        waiting = any(a < b and a // DAY_MS <= day <= (b - 1) // DAY_MS for a, b in stops)
        within -= not (weekend or waiting)
    return (day + 1) * DAY_MS


def time_of_step(clock: Mapping[str, Any], step: int) -> int:
    """How long an agency has, or the step of the ladder it was taken to."""
    named_step = clock["to"][step - 1] if step else clock
    within = named_step.get("within") if isinstance(named_step, Mapping) else None
    return int(within or clock["within"])


def agency_due(case: Matter, agency: Agency) -> int | None:
    """When an agency is due by what is known of it now."""
    if case.clock is None or agency.started is None:
        return None
    start = agency.steps[-1] if agency.steps else agency.started
    return after(case.clock, start, time_of_step(case.clock, len(agency.steps)), agency.stops)


# Where everything stands


def stand(entries: Sequence[Entry]) -> Standing:
    found = Standing()
    for entry in entries:
        follow(found, entry)
    return found


def _is_vain(now: Standing, opened: Matter) -> bool:
    """Whether it contests the removal of a grant that could not be given now."""
    first = now.cases.get(opened.question.get("against", ""))
    is_of_removal = first is not None and first.kind == "removal"
    return is_of_removal and not now.may_apply(opened.question["party"], now.place_of(opened))


def _heard_again(now: Standing, terms: Collection[str]) -> None:
    """Terms that are back in force can give a grant again."""
    for each in now.cases.values():
        each.for_the_record &= each.question.get("terms") not in terms


def follow(now: Standing, entry: Entry) -> None:
    """What one entry changes."""
    public, kind = public_of(entry), entry.type
    now.at = entry.at_ms
    case = now.cases.get(public["case"]) if kind.startswith(("case.", "position.")) else None
    if kind == "case.opened":
        opened = Matter(entry, due=ms(public.get("due")), reply_by=ms(public.get("replyBy")))
        opened.reply_runs = opened.reply_by is not None
        now.cases[opened.name] = opened
        if "application" in entry.sealed:
            dossier = entry.sealed["application"].value()["organization"]
            now.countries[opened.question["party"]] = dossier["registeredIn"]
        opened.for_the_record = _is_vain(now, opened)
    elif case is not None:
        _follow_case(now, case, entry)
        case.talk += [entry] if kind in TALK else []
        if case.kind == "terms" and (case.outcome or "").startswith("approved"):
            now.agreed_terms.add(case.question["terms"])
    elif kind == "release.applied":
        now.plans[public["release"]] = public
        _heard_again(now, public["terms"].values())
        now.agreed_terms &= {terms for plan in now.plans.values() for terms in plan["terms"].values()}
        for name, before in public.get("tightened", {}).items():
            now.agreed_terms.add(public["terms"][name])
            now.open_terms |= {public["terms"][name]} if before in now.open_terms else set()
    elif kind == "stage.opened":
        now.open_terms.add(public["terms"])
    elif kind == "list.changed":
        now.lists.append(entry)
    elif kind.startswith("grant."):
        _follow_grant(now, entry)


def _follow_grant(now: Standing, entry: Entry) -> None:
    public = public_of(entry)
    if entry.type == "grant.approved":
        place, organization = (public["release"], public["stage"]), gate_value(entry, "organization")
        given = {"place": place, "organization": organization, "how": "approved", "case": public["case"]}
        now.grants[public["grant"]] = given
    grant = now.grants[public["grant"]]
    if entry.type in {"grant.approved", "grant.amended"}:
        grant |= {"until": ms(public["validUntil"]), "terms": public["terms"]}
    words = {"suspended": "suspended", "resumed": "approved", "reinstated": "approved"}
    grant["how"] = public.get("how", words.get(entry.type.removeprefix("grant."), grant["how"]))


def _follow_case(now: Standing, case: Matter, entry: Entry) -> None:  # noqa: C901, PLR0912 - one a type
    public, at = public_of(entry), entry.at_ms
    agency = case.agencies.get(public.get("agency") or "")
    match entry.type:
        case "position.recorded":
            assert agency is not None
            _follow_position(case, agency, entry)
            if public["position"] == "ask" and case.asked is None:
                case.asked = at
        case "case.received" if agency:
            agency.started, agency.due = at, ms(public["due"])
        case "case.warned" if agency:
            agency.warned = agency.due
        case "case.warned":
            case.reply_runs = False
        case "case.escalated" if agency:
            agency.steps.append(at)
            agency.due = ms(public["due"])
        case "case.silent" if agency:
            agency.silence, agency.due = public["meaning"], None
        case "case.escalated" | "case.silent":
            case.due, case.unopposed = None, case.unopposed or entry.type == "case.silent"
        case "case.answered" if agency:
            if agency.asked is not None:
                agency.stops.append((agency.asked, at))
            agency.asked, agency.due = None, ms(public["due"])
        case "case.screened":
            case.screened = entry
        case "case.proceeded":
            case.proceeded = True
        case "case.waitlisted":
            case.state, case.outcome = "waitlisted", None
            now.waiting.append(case.name)
        case "case.offered":
            case.state, case.until = "offered", ms(public["until"])
            now.waiting.remove(case.name)
        case "case.resumed":
            _unlist(now, case)
            case.reply_runs = case.reply_runs and (case.reply_by or 0) > at
            case.state = "in_review"
        case "case.replied":
            _follow_reply(case, entry)
        case "case.determined":
            _unlist(now, case)
            case.state, case.outcome = "determined", public["outcome"]
            case.reply_by, case.reply_runs = ms(public.get("replyBy")), False
        case _:
            pass
    if case.asked is not None and not any(each.asked is not None for each in case.agencies.values()):
        case.stops.append((case.asked, at))
        case.asked, case.due = None, ms(public.get("wholeDue"))


def _without_weight(case: Matter, public: Mapping[str, Any]) -> bool:
    """Whether it is a yes that knew nothing of a condition, an objection or a screening before it."""
    if public["position"] not in CONSENTS or "said" not in public:
        return False
    known = public["said"]["count"]
    return any(
        entry.type == "case.screened" or is_news(entry, case.talk[:at])
        for at, entry in enumerate(case.talk[known:], known)
    )


def _follow_position(case: Matter, agency: Agency, entry: Entry) -> None:
    at, asks = entry.at_ms, public_of(entry)["position"] == "ask"
    agency.said.append(entry)
    agency.stale = _without_weight(case, public_of(entry))
    if agency.stale:
        return
    if agency.asked is not None:
        agency.stops.append((agency.asked, at))
    agency.started = at if agency.started is None and asks else agency.started
    agency.asked = at if asks else None
    agency.due, agency.silence = None, None


def _follow_reply(case: Matter, entry: Entry) -> None:
    case.replied, case.reply_by, case.reply_runs = entry, ms(public_of(entry)["replyBy"]), True
    if case.state == "determined":
        case.state, case.outcome = "in_review", None
        timed: list[Agency | Matter] = [*case.agencies.values(), case]
        for each in timed:
            each.due = max(each.due, case.reply_by or 0) if each.due is not None else None


def _unlist(now: Standing, case: Matter) -> None:
    if case.name in now.waiting:
        now.waiting.remove(case.name)


# Whether it was right


def check(entries: Sequence[Entry], since: int) -> Standing:
    """Judge every entry from `since` on; where everything stands after all of them."""
    now = stand(entries[:since])
    for i in range(since, len(entries)):
        entry = entries[i]
        assert entry.at_ms >= now.at, "time ran backwards in the log"
        judge = _JUDGES.get(entry.type)
        if judge is not None:
            judge(now, entry, entries[:i])
        follow(now, entry)
    return now


def settled(now: Standing) -> None:
    """After a command and what was due: nothing follows that has not been done."""
    assert all(due > now.at for due in now.agenda().values()), "something is overdue"
    for case in now.cases.values():
        if case.kind == "lift":
            continue
        if case.reviewed and now.decided_by(case) is case:
            assert case.left() is not None, f"{case.name}: nobody is left to decide"
            assert not case.refused(now.at), f"{case.name} should be denied"
            assert not case.agreed() or now.held_up(case), f"{case.name} should be decided"
            if case.kind in TIMED and not case.for_the_record:
                assert now.may_apply(case.question["party"], now.place_of(case)), f"{case.name} is in vain"
        if case.state in {"waitlisted", "offered"}:
            assert now.decided_by(case).agreed(), f"{case.name} is listed without consent"
    for name in now.waiting:
        assert now.next_in_line(now.place_of(now.cases[name])) is None, "a seat is free and somebody waits"
    places = {grant["place"] for grant in now.grants.values()}
    for place in places:
        held = [g["organization"] for n, g in now.grants.items() if g["place"] == place and now.live(n)]
        assert set(held) <= now.seated(place)


def _silent(now: Standing, entry: Entry, before: Sequence[Entry]) -> None:
    public = public_of(entry)
    case = now.cases[public["case"]]
    assert case.reviewed
    if public["agency"] is None:
        assert case.whole is not None
        assert case.whole[1] == "admit"
        assert case.asked is None
        assert case.due is not None
        assert case.due <= entry.at_ms
        assert not case.refused(entry.at_ms)
        return
    agency, clock = case.agencies[public["agency"]], case.clock
    _due(case, agency, entry)
    escalates = clock["silence"] == "escalate"
    assert public["meaning"] == (clock.get("then", "wait") if escalates else clock["silence"])
    assert not escalates or len(agency.steps) == len(clock["to"])


def _escalated(now: Standing, entry: Entry, before: Sequence[Entry]) -> None:
    public = public_of(entry)
    case = now.cases[public["case"]]
    if public["agency"] is None:
        assert case.whole is not None
        assert case.whole[1] == "escalate"
        assert case.asked is None
        assert case.due is not None
        assert case.due <= entry.at_ms
        assert not [
            e for e in before if e.type == entry.type and dict(public_of(e), was=0) == dict(public, was=0)
        ]
        return
    agency, clock = case.agencies[public["agency"]], case.clock
    _due(case, agency, entry)
    step = clock["to"][len(agency.steps)]
    assert public["to"] == (step["name"] if isinstance(step, Mapping) else step)
    assert ms(public["due"]) == after(clock, entry.at_ms, time_of_step(clock, len(agency.steps) + 1))


def _said(now: Standing, entry: Entry, before: Sequence[Entry]) -> None:
    """What it says had been said, had been said."""
    said = public_of(entry).get("said")
    if said is not None:
        known = now.cases[public_of(entry)["case"]].talk[: said["count"]]
        hashes = b"".join(sha256(b"\x00" + each.leaf).digest() for each in known)
        assert said == {"count": len(known), "digest": "sha256:" + sha256(hashes).hexdigest()}


def _due(case: Matter, agency: Agency, entry: Entry) -> None:
    """An agency's time was over, and nothing it said or asked stands in the way."""
    assert case.reviewed
    assert agency.word in {None, "ask", "stale"}
    assert agency.asked is None
    assert agency.silence is None, "it has fallen silent once"
    assert agency.started is not None
    assert agency.due is not None
    expected = agency_due(case, agency)
    assert expected is not None
    assert expected <= agency.due <= entry.at_ms


def _received(now: Standing, entry: Entry, before: Sequence[Entry]) -> None:
    case = now.cases[public_of(entry)["case"]]
    assert case.agencies[public_of(entry)["agency"]].started is None, "received twice"
    clock = case.clock
    assert ms(public_of(entry)["due"]) == (after(clock, entry.at_ms, clock["within"]) if clock else None)


def _answered(now: Standing, entry: Entry, before: Sequence[Entry]) -> None:
    case = now.cases[public_of(entry)["case"]]
    agency = case.agencies[public_of(entry)["agency"]]
    assert agency.asked is not None
    without = agency_due(case, agency)
    agency.stops.append((agency.asked, entry.at_ms))
    due = agency_due(case, agency)
    agency.stops.pop()
    assert ms(public_of(entry)["due"]) == due
    assert due is None or without is None or due >= without, "waiting for an answer shortened a clock"
    _whole_due(case, entry)


def _whole_due(case: Matter, entry: Entry) -> None:
    if "wholeDue" not in public_of(entry) or public_of(entry)["wholeDue"] is None:
        return
    assert case.whole is not None
    assert case.asked is not None
    stops = [*case.stops, (case.asked, entry.at_ms)]
    clock = case.procedure["clock"]
    assert ms(public_of(entry)["wholeDue"]) == after(clock, case.opened.at_ms, case.whole[0], stops)


def _opened(now: Standing, entry: Entry, before: Sequence[Entry]) -> None:
    case = Matter(entry)
    if case.whole is not None:
        expected = after(case.procedure["clock"], entry.at_ms, case.whole[0])
        assert ms(public_of(entry)["due"]) == expected
    else:
        assert "due" not in public_of(entry)
    if case.kind == "removal":
        given = lasting(case.procedure.get("reply", "P10D"))
        assert ms(public_of(entry)["replyBy"]) == entry.at_ms + given


def _warned(now: Standing, entry: Entry, before: Sequence[Entry]) -> None:
    case = now.cases[public_of(entry)["case"]]
    if public_of(entry)["agency"] is None:
        assert case.reply_runs
        assert case.reply_by is not None
        assert case.reply_by <= entry.at_ms
        return
    agency = case.agencies[public_of(entry)["agency"]]
    assert agency.due is not None
    assert agency.due - lasting(case.procedure["clock"]["warn"]) <= entry.at_ms
    assert agency.warned != agency.due, "warned twice of the same"


def _determined(now: Standing, entry: Entry, before: Sequence[Entry]) -> None:
    public, at = public_of(entry), entry.at_ms
    case = now.cases[public["case"]]
    again = case.proceeded and case.outcome == "denied"
    assert case.state != "determined" or again, "determined twice"
    match public["outcome"]:
        case "approved" | "approved-with-conditions":
            _approved(now, case)
        case "denied":
            assert case.refused(at) or case.left() is None
            if case.replied is None and case.kind in ASKS_FOR_A_GRANT:
                assert ms(public["replyBy"]) == at + lasting(case.procedure.get("reply", "P10D"))
        case "lapsed" if case.state == "offered":
            assert case.until is not None
            assert case.until <= at
        case "lapsed":
            assert case.reviewed
            assert case.whole is not None
            assert case.whole[1] == "lapse"
            assert case.asked is None
            assert case.due is not None
            assert case.due <= at
        case "returned" if public["reasonCode"] == "recused":
            assert case.left() is None
        case "returned":
            assert not any(agency.word not in {None, "ask"} for agency in case.agencies.values())
        case _:
            assert public["outcome"] in {"withdrawn", "superseded"}


def _approved(now: Standing, case: Matter) -> None:
    if case.proceeded:
        assert case.basis == "voluntary"
    else:
        assert now.decided_by(case).agreed(), f"{case.name} without consent"
    assert not now.held_up(case)


def _granted(now: Standing, entry: Entry, before: Sequence[Entry]) -> None:
    """A grant has a case behind it that was just approved, and a seat."""
    public = public_of(entry)
    case = now.cases[public["case"]]
    assert (case.outcome or "").startswith("approved")
    assert before[-1].id == entry.id
    _approved(now, case)
    for name in public.get("silent", ()):
        assert case.agencies[name].silence == "no-objection" or case.kind == "admission"
    place = (public["release"], public["stage"])
    organization = gate_value(entry, "organization")
    assert organization == case.organization
    assert now.room(place, organization), "more seats are taken than there are"
    assert now.may_apply(public["party"], place)


def _amended(now: Standing, entry: Entry, before: Sequence[Entry]) -> None:
    public = public_of(entry)
    case = now.cases[public["case"]]
    assert (case.outcome or "").startswith("approved")
    assert public["party"] == case.question["party"]
    assert now.may_apply(public["party"], now.place_of(case))


def _reinstated(now: Standing, entry: Entry, before: Sequence[Entry]) -> None:
    case, grant = now.cases[public_of(entry)["case"]], now.grants[public_of(entry)["grant"]]
    assert case.kind == "appeal"
    assert case.agreed()
    assert grant["how"] == "removed"
    assert now.may_apply(case.question["party"], grant["place"])
    assert now.room(grant["place"], grant["organization"]), "more seats are taken than there are"


def _ended(now: Standing, entry: Entry, before: Sequence[Entry]) -> None:
    public, grant = public_of(entry), now.grants[public_of(entry)["grant"]]
    assert now.live(public["grant"]), "ended twice"
    if public["how"] == "expired":
        assert grant["until"] <= entry.at_ms
    if public["how"] == "removed":
        assert (now.cases[public["case"]].outcome or "").startswith("approved")


def _offered(now: Standing, entry: Entry, before: Sequence[Entry]) -> None:
    case = now.cases[public_of(entry)["case"]]
    assert now.next_in_line(now.place_of(case)) == case.name, "offered out of turn"
    assert ms(public_of(entry)["until"]) == entry.at_ms + lasting(case.procedure.get("offer", "P7D"))


def _waitlisted(now: Standing, entry: Entry, before: Sequence[Entry]) -> None:
    case = now.cases[public_of(entry)["case"]]
    assert case.name not in now.waiting
    assert now.decided_by(case).agreed() or case.kind == "admission"
    assert not now.room(now.place_of(case), case.organization)


def _resumed(now: Standing, entry: Entry, before: Sequence[Entry]) -> None:
    case = now.cases[public_of(entry)["case"]]
    assert case.state in {"waitlisted", "offered"}
    assert not case.agreed()


_JUDGES = {
    "position.recorded": _said,
    "case.silent": _silent,
    "case.escalated": _escalated,
    "case.received": _received,
    "case.answered": _answered,
    "case.opened": _opened,
    "case.warned": _warned,
    "case.determined": _determined,
    "case.offered": _offered,
    "case.waitlisted": _waitlisted,
    "case.resumed": _resumed,
    "grant.approved": _granted,
    "grant.amended": _amended,
    "grant.reinstated": _reinstated,
    "grant.ended": _ended,
}
