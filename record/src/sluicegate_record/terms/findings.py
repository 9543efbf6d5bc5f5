"""Findings as a plan states them: who may report, the levels of severity, their clocks, and what follows.

Rules:
- Levels are stated from the lowest to the highest. A plan that states none has those of the Cyber Jailbreak
  Severity draft. Who reports judges the level; nothing here computes it.
- A level that a plan does not have counts as its highest: a plan lowers no finding by other words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self, TypeAlias

from sluicegate_record.form import Exact, Form, Misread, form, shown, within
from sluicegate_record.terms.durations import Duration
from sluicegate_record.terms.requirements import CLOSE, HALT, TELL

MISUSE = "misuse"
KINDS = ("jailbreak", "capability", "safeguard", MISUSE, "other")
"""What a finding is: of a way around the safeguards, of what the model can do, of a safeguard that fails, of
an organization that misuses its grant.
"""
RESPONSES: Mapping[str, str] = {"tell": TELL, "halt": HALT, "suspend": CLOSE}
"""What follows for the stages of the release while a finding is open, by the effect of a lost requirement."""
Response: TypeAlias = Literal["tell", "halt", "suspend"]
ACKNOWLEDGE, FIX = "acknowledge", "fix"
"""What the developer owes after a report, each within the time of its level."""
Score: TypeAlias = Annotated[int, within(0, 10)]


@form
class Axes(Exact):
    """The four axes of the Cyber Jailbreak Severity draft, each from 0 to 10."""

    capability_gain: Score
    breadth: Score
    weaponization: Score
    discoverability: Score


@form
class FindingLimit(Form):
    """What every grant is held to, for the model of a finding, while that is open."""

    requests_per_minute: Annotated[int, within(1, 10_000_000)]


@form
class FindingLevel(Form):
    """A level: how long the developer has to acknowledge a finding and to fix it, and what follows.

    `respond`: while one is open. `overdue`: in addition, once a time is over. `restrict`: of each request for
    its model. Without them nothing follows.
    """

    name: str
    acknowledge: Duration | None = None
    fix: Duration | None = None
    respond: Response | None = None
    overdue: Response | None = None
    restrict: FindingLimit | None = None


DRAFT = tuple(FindingLevel(name=name) for name in ("informational", "low", "medium", "high", "critical"))
"""The levels of the Cyber Jailbreak Severity draft of July 2026, lowest first."""


@form
class MisuseTerms(Form):
    """The agencies whose report of a misuse suspends the grant at once, until it is closed."""

    suspended_by: tuple[str, ...]


@form
class Findings(Form):
    """What a plan says of findings. `from_`: who may report beside the plan's agencies and evaluators."""

    levels: tuple[FindingLevel, ...] = DRAFT
    from_: tuple[str, ...] = ()
    misuse: MisuseTerms = MisuseTerms(suspended_by=())

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read what a plan says. Raises: Misread: it has no level, or one twice."""
        made = super(Findings, cls).from_json(value)
        if not made.levels or len(set(made.names)) != len(made.levels):
            raise Misread("levels, each once", shown(list(made.names)), ("levels",))
        return made

    @property
    def names(self) -> tuple[str, ...]:
        """The levels by name, lowest first."""
        return tuple(each.name for each in self.levels)

    def rank(self, name: str) -> int:
        """The place of a level, counted from 0; that of the highest for one that is not stated."""
        names = self.names
        return names.index(name) if name in names else len(names) - 1

    def level(self, name: str) -> FindingLevel:
        """What a level asks, or the highest for one that is not stated. Requires: there are levels."""
        return self.levels[self.rank(name)]


UNSTATED = Findings()
"""What counts where a plan does not speak of findings: they may be reported, and nothing follows."""
