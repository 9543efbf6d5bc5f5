"""What must hold before a stage opens, and for how long: one class for each kind of requirement.

Rules:
- A requirement is asked for one number: the moment from which it holds, if nothing more happens. None: it
  holds at no moment until someone does something. So the same function opens a stage, proves the opening,
  says when the next one is due, and finds what no longer holds.
- Requirements are combined by `allOf`, `anyOf` and `atLeast`. Time alone never makes one fail again.
- One that this build does not know never holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self, TypeAlias

from sluicegate_record.errors import VerificationFailed
from sluicegate_record.form import Codec, Form, Json, Misread, form, replace, shown
from sluicegate_record.log import canonical, times
from sluicegate_record.terms import clearances, durations, quorum
from sluicegate_record.terms.durations import Duration
from sluicegate_record.terms.rule import Rule

HALT, CLOSE, TELL = "halt", "close", "tell"
WhenLost: TypeAlias = Literal["halt", "close", "tell"]
"""What follows if a requirement of an open stage no longer holds.

`halt`: no one else is admitted. `close`: the stage closes. `tell`: the record says so, and nothing changes.
"""
SEVERITY = {TELL: 0, HALT: 1, CLOSE: 2}
NESTED_MAX = 8
"""How many levels of groups there may be."""


class Facts(Protocol):
    """What the record says about one stage. Units: milliseconds since 1970 UTC; None if it is not so."""

    def agreed_ms(self) -> int | None:
        """Since when its terms are agreed."""

    def opened_ms(self, stage: str) -> int | None:
        """Since when a stage of its release is open, by the terms in force."""

    def agreement_ms(self, rule: Rule) -> int | None:
        """Since when agencies have agreed to its opening, in a case with this rule."""

    def cleared(self, kind: str, about: str, party: str) -> Cleared | None:
        """What a party last said of a standard, or of this stage (`about` empty)."""

    def evidence_ms(self, evaluation: str) -> int | None:
        """Since when the results of an evaluation meet it, for every model of the release."""

    def clear_ms(self, least: str) -> int | None:
        """Since when no finding of a level, or of a higher one, is open; 0 if there never was one."""

    @property
    def before(self) -> str:
        """The stage before it in the plan; empty if it is the first."""


class Cleared(Protocol):
    """Where a party stands. Units: milliseconds since 1970 UTC; `since_ms` None: it is not so."""

    @property
    def since_ms(self) -> int | None:
        """Since when it is so."""

    @property
    def version(self) -> str | None:
        """The version of an adopted standard."""

    @property
    def begun_ms(self) -> int | None:
        """When an evaluation began."""

    @property
    def until_ms(self) -> int | None:
        """The end that its evaluator gave it."""


@form
class Requirement(Form):
    """One thing that must hold. `when_lost` is what follows if it does not hold any more."""

    KIND: ClassVar[str]

    when_lost: WhenLost = "halt"

    def from_ms(self, facts: Facts, /) -> int | None:
        """The moment from which it holds, if nothing more happens; None if it does not come by itself."""
        raise NotImplementedError

    def is_as_tight(self, old: Any) -> bool:
        """Whether it holds only where an older one of its kind does. `when_lost` is not looked at."""
        return bool(_fields_of(self) == _fields_of(old))

    @property
    def text(self) -> str:
        """What is required, as the plan says it, in one line."""
        fields = _fields_of(self).items()
        return ", ".join(f"{name}: {_plain(each)}" for name, each in fields)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of agencies that it names, who agree to it by their positions."""
        return ()


def _plain(value: Json) -> str:
    return value if type(value) is str else canonical.dumps(value).decode()


def _fields_of(requirement: Requirement) -> dict[str, Json]:
    return {name: each for name, each in requirement.to_json().items() if name != "whenLost"}


@form
class TermsAgreed(Requirement):
    """Every agency that the stage names has agreed to its terms. This is asked of every stage."""

    KIND: ClassVar = "terms"

    terms: Literal["agreed"]

    def from_ms(self, facts: Facts, /) -> int | None:
        """Since the terms are agreed."""
        return facts.agreed_ms()


@form
class After(Requirement):
    """An earlier stage is open."""

    KIND: ClassVar = "after"

    after: str

    def from_ms(self, facts: Facts, /) -> int | None:
        """Since that stage is open."""
        return facts.opened_ms(self.after)


@form
class Soak(Requirement):
    """An earlier stage has been open for so long, without a break: the stage before this one, or `of`."""

    KIND: ClassVar = "soak"

    soak: Duration
    of: str | None = None

    def from_ms(self, facts: Facts, /) -> int | None:
        """So long after that stage opened."""
        opened_ms = facts.opened_ms(self.of or facts.before)
        return None if opened_ms is None else opened_ms + durations.milliseconds(self.soak)

    def is_as_tight(self, old: Soak) -> bool:
        """The same stage for at least as long."""
        return self.of == old.of and durations.milliseconds(self.soak) >= durations.milliseconds(old.soak)


DAY = r"\d{4}-\d{2}-\d{2}"
MOMENT = re.compile(rf"{DAY}(T\d{{2}}:\d{{2}}:\d{{2}}Z)?", re.ASCII)
"""A day, which begins at midnight UTC, or a second of one."""


@lru_cache(maxsize=1_024)
def moment_ms(text: str) -> int:
    """A moment such as 2026-07-09 or 2026-07-09T16:00:00Z, in milliseconds. Raises: ValueError."""
    if MOMENT.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a moment such as 2026-07-09 or 2026-07-09T16:00:00Z")
    whole = text if "T" in text else f"{text}T00:00:00Z"
    try:
        return times.parse_time(f"{whole[:-1]}.000Z")
    except VerificationFailed as error:
        raise ValueError(error.message) from error


def _moment(value: Json) -> str:
    try:
        moment_ms(value if type(value) is str else "")
    except ValueError:
        raise Misread("a moment such as 2026-07-09 or 2026-07-09T16:00:00Z", shown(value)) from None
    return str(value)


Moment = Annotated[str, Codec(_moment, str, {"type": "string", "pattern": MOMENT.pattern})]
"""A moment, as it is written."""


@form
class OnDate(Requirement):
    """A day, or a moment of it, has come. A day begins at midnight UTC."""

    KIND: ClassVar = "date"

    date: Moment

    def from_ms(self, _: Facts, /) -> int | None:
        """At that moment."""
        return moment_ms(self.date)

    def is_as_tight(self, old: OnDate) -> bool:
        """The same moment, or a later one."""
        return moment_ms(self.date) >= moment_ms(old.date)


@form
class AgreedBy(Requirement):
    """Agencies agree to the opening, in a case that an officer opens with a signed opening."""

    KIND: ClassVar = "agreedBy"

    agreed_by: Rule

    def from_ms(self, facts: Facts, /) -> int | None:
        """Since the case was decided."""
        return facts.agreement_ms(self.agreed_by)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rule of that case."""
        return (self.agreed_by,)


def _rule_ms(rule: Rule, since: Callable[[str], int | None]) -> int | None:
    """The moment from which enough parties of a rule are there; `since` gives that of each."""
    moments = {party: at_ms for party in quorum.parties_of(rule) if (at_ms := since(party)) is not None}
    for now_ms in sorted(set(moments.values())):
        if quorum.satisfied(rule, {party for party, at_ms in moments.items() if at_ms <= now_ms}):
            return now_ms
    return None


@form
class StandardBy(Form):
    """A standard, and the rule over those who sign for it. Without a version any one will do."""

    standard: str
    by: Rule
    version: str | None = None

    def from_ms(self, kind: str, facts: Facts) -> int | None:
        """Since enough of them stand by it."""

        def since(party: str) -> int | None:
            found = facts.cleared(kind, self.standard, party)
            is_other = found is None or self.version not in {None, found.version}
            return None if is_other or found is None else found.since_ms

        return _rule_ms(self.by, since)


@form
class Adopted(Requirement):
    """Agencies have adopted a standard or a framework, each by its signature."""

    KIND: ClassVar = "adopted"

    adopted: StandardBy

    @property
    def by(self) -> Rule:
        """The rule over those who sign."""
        return self.adopted.by

    def from_ms(self, facts: Facts, /) -> int | None:
        """Since enough of them have."""
        return self.adopted.from_ms(clearances.ADOPTED, facts)


@form
class Attested(Requirement):
    """Parties attest that a standard is met, each by its signature."""

    KIND: ClassVar = "attested"

    attested: StandardBy

    @property
    def by(self) -> Rule:
        """The rule over those who sign."""
        return self.attested.by

    def from_ms(self, facts: Facts, /) -> int | None:
        """Since enough of them do."""
        return self.attested.from_ms(clearances.ATTESTED, facts)


@form
class EvaluationTerms(Form):
    """How long evaluators have at most from when they begin, and what their silence at its end means."""

    at_most: Duration
    by: Rule
    silence: Literal["met", "unmet"]


@form
class EvaluationTime(Requirement):
    """Evaluators have had their time: each begins, extends and ends its evaluation by its signature."""

    KIND: ClassVar = "evaluationTime"

    evaluation_time: EvaluationTerms

    @property
    def by(self) -> Rule:
        """The rule over those who sign."""
        return self.evaluation_time.by

    def from_ms(self, facts: Facts, /) -> int | None:
        """Since enough of them have ended, or their time is over and silence is enough."""
        return _rule_ms(self.evaluation_time.by, lambda party: self._over_ms(party, facts))

    def _over_ms(self, party: str, facts: Facts) -> int | None:
        asked, found = self.evaluation_time, facts.cleared(clearances.EVALUATION, "", party)
        if found is None or found.since_ms is not None:
            return None if found is None else found.since_ms
        if asked.silence != "met" or found.begun_ms is None:
            return None
        most_ms = found.begun_ms + durations.milliseconds(asked.at_most)
        return most_ms if found.until_ms is None else min(most_ms, max(found.until_ms, found.begun_ms))


@form
class HoldTerms(Form):
    """Who holds a stage, and why."""

    by: str
    reason: str


@form
class Hold(Requirement):
    """A party holds the stage until it releases it by its signature."""

    KIND: ClassVar = "hold"

    hold: HoldTerms

    def from_ms(self, facts: Facts, /) -> int | None:
        """Since it was released."""
        found = facts.cleared(clearances.HOLD, "", self.hold.by)
        return None if found is None else found.since_ms


@form
class NotYet(Requirement):
    """A requirement that this build does not know, in a plan of a later one. It never holds."""

    KIND: ClassVar = ""

    def from_ms(self, _: Facts, /) -> int | None:
        """Never."""
        return None


@form
class Evidenced(Requirement):
    """Evaluations of the plan have results that count and meet them, for every model of the release."""

    KIND: ClassVar = "evidence"

    evidence: tuple[str, ...]

    def from_ms(self, facts: Facts, /) -> int | None:
        """Since the last of them is met."""
        moments = [facts.evidence_ms(name) for name in self.evidence]
        known = [at_ms for at_ms in moments if at_ms is not None]
        return max(known) if known and len(known) == len(moments) else None

    def is_as_tight(self, old: Evidenced) -> bool:
        """All that were asked for before. That they are the same evaluations is asked of the whole plan."""
        return set(self.evidence) >= set(old.evidence)


@form
class FindingTerms(Form):
    """The lowest level of the findings that count."""

    at_least: str


@form
class NoOpenFindings(Requirement):
    """No finding of a level of the plan, or of a higher one, is open. `rank` is the place of that level."""

    KIND: ClassVar = "noOpenFindings"

    no_open_findings: FindingTerms
    rank: int | None = field(default=None, metadata={"kept": True})

    def from_ms(self, facts: Facts, /) -> int | None:
        """Since the last of them is closed."""
        return facts.clear_ms(self.no_open_findings.at_least)

    def is_as_tight(self, old: NoOpenFindings) -> bool:
        """The same level, or a lower one. That the levels are the same is asked of the whole plan."""
        if self.rank is None or old.rank is None:
            return self.no_open_findings == old.no_open_findings
        return self.rank <= old.rank


KINDS: dict[str, type[Requirement]] = {
    each.KIND: each
    for each in (
        TermsAgreed,
        After,
        Soak,
        OnDate,
        AgreedBy,
        Adopted,
        Attested,
        EvaluationTime,
        Hold,
        Evidenced,
        NoOpenFindings,
    )
}
"""The kinds of requirement, by the key that tells one from another."""
GROUPS = ("allOf", "anyOf", "atLeast")


@dataclass(frozen=True, slots=True)
class Group:
    """Requirements of which all, any, or at least `n` must hold; `n` is 0 except for `atLeast`.

    `unread` is a group that this build cannot read, as it was written; it has one member, which never holds.
    """

    operator: str
    members: tuple[Node, ...]
    n: int = 0
    unread: Json = field(default=None, hash=False)

    SCHEMA: ClassVar[Json] = {"type": "object", "description": "requirements, as in the reference of plans"}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The group in a value; one that this build cannot read never holds. Raises: Misread: no object."""
        if type(value) is dict and (len(value) != 1 or not value.keys() <= set(GROUPS)):
            return cls("allOf", (NotYet(),), unread=value)
        return cls._read(value, NESTED_MAX)

    @classmethod
    def _read(cls, value: object, room: int) -> Self:
        if not room:
            raise Misread(f"at most {NESTED_MAX} levels of requirements", "more")
        operator = next(iter(value), None) if type(value) is dict and len(value) == 1 else None
        if type(value) is not dict or operator not in GROUPS:
            raise Misread("one of " + ", ".join(GROUPS), shown(value))
        of, n = value[operator], 0
        if operator == "atLeast":
            if type(of) is not dict or of.keys() != {"n", "of"} or type(of["n"]) is not int:
                raise Misread("{n: …, of: […]}", shown(of))
            of, n = of["of"], of["n"]
        if type(of) is not list:
            raise Misread("a list of requirements", shown(of))
        return cls(str(operator), tuple(_read_node(cls, each, room - 1) for each in of), n)

    def to_json(self) -> dict[str, Json]:
        """The group as `from_json` reads it."""
        if self.unread is not None:
            return dict(self.unread)
        members = [each.to_json() for each in self.members]
        return {self.operator: {"n": self.n, "of": members} if self.operator == "atLeast" else members}

    @property
    def least(self) -> int:
        """How many of its members must hold. A group that says nothing holds never."""
        whole = len(self.members) or 1
        return {"allOf": whole, "anyOf": 1}.get(self.operator, max(self.n, 1))

    def from_ms(self, facts: Facts, /) -> int | None:
        """The moment from which enough of its members hold, if nothing more happens."""
        moments = sorted(at_ms for each in self.members if (at_ms := each.from_ms(facts)) is not None)
        return moments[self.least - 1] if len(moments) >= self.least else None

    def holds_without(self, lost: Container[Requirement]) -> bool:
        """Whether it can hold although some of its requirements do not."""
        held = (
            each.holds_without(lost) if isinstance(each, Group) else each not in lost for each in self.members
        )
        return sum(held) >= self.least

    @property
    def needs_an_officer(self) -> bool:
        """Whether it cannot hold without an opening that an officer signed."""
        return self.operator == "allOf" and any(isinstance(each, AgreedBy) for each in self.members)

    @property
    def leaves(self) -> Iterator[Requirement]:
        """Its requirements without the groups, in their order."""
        for each in self.members:
            yield from each.leaves if isinstance(each, Group) else (each,)


Node: TypeAlias = Requirement | Group


def _read_node(group: type[Group], value: object, room: int) -> Node:
    """A requirement or a group. Raises: Misread."""
    if type(value) is not dict:
        raise Misread("a requirement", shown(value))
    if value.keys() & set(GROUPS):
        return group._read(value, room)
    kind = next((KINDS[key] for key in value if key in KINDS), NotYet)
    made = kind.from_json(value)
    return NotYet.from_json(value) if made.unknown else made


def ranked(group: Group, rank: Callable[[str], int]) -> Group:
    """The same requirements; those about findings have the places of their levels, as `rank` gives them."""

    def node(each: Node) -> Node:
        if isinstance(each, Group):
            return ranked(each, rank)
        if isinstance(each, NoOpenFindings):
            return replace(each, rank=rank(each.no_open_findings.at_least))
        return each

    return Group(group.operator, tuple(map(node, group.members)), group.n, group.unread)


def is_within(new: Node, old: Node) -> bool:
    """Whether `new` holds only where `old` does, and its loss has no lesser effect, as far as this can prove.

    It is asked of each pair once, so its cost is bounded by how many there are.
    """
    known: dict[tuple[int, int], bool] = {}

    def asked(one: Node, other: Node) -> bool:
        pair = id(one), id(other)
        if pair not in known:
            known[pair] = _is_within(one, other, asked)
        return known[pair]

    return asked(new, old)


def _is_within(new: Node, old: Node, asked: Callable[[Node, Node], bool]) -> bool:
    if new == old:
        return True
    if any(isinstance(each, Group) and each.unread is not None for each in (new, old)):
        return False
    if isinstance(old, Group) and sum(asked(new, each) for each in old.members) >= old.least:
        return True
    if isinstance(new, Group):  # however enough of its members are chosen, one of them is such
        return sum(asked(each, old) for each in new.members) > len(new.members) - new.least
    if isinstance(old, Group) or type(new) is not type(old):
        return False
    return SEVERITY[new.when_lost] >= SEVERITY[old.when_lost] and new.is_as_tight(old)
