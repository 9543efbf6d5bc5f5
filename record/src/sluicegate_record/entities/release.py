"""A release and its plan in force, and the terms of its stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from sluicegate_record.entries import Hidden, or_hidden, seen
from sluicegate_record.entries.releases import ReleaseApplied
from sluicegate_record.form import Form, form, replace
from sluicegate_record.terms.plan import Plan, Stage


@form
class Terms(Form):
    """The terms of a stage, and the plan that states them. The plan may be in force or not."""

    stage: str
    given: Annotated[Plan | Hidden, or_hidden(Plan)]

    @property
    def plan(self) -> Plan:
        """The plan. Raises: Withheld."""
        return seen(self.given)

    @property
    def body(self) -> Stage:
        """The stage in the plan. Raises: Withheld."""
        return self.plan.stages[self.stage]


@form
class Release(Form):
    """A release and its plan in force. `agreed` holds those of its terms that every agency signed.

    Terms that go out of force are no longer agreed: if they come back, the agencies are asked again. Terms in
    force can be provably tighter than older terms that were agreed: `within` holds those older terms.
    """

    name: str
    given: Annotated[Plan | Hidden, or_hidden(Plan)]
    terms: Mapping[str, str]
    agreed: frozenset[str] = frozenset()
    within: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """The plan in force. Raises: Withheld."""
        return seen(self.given)

    def answers(self, stage: str, terms: str) -> bool:
        """Whether a case about these terms still answers the stage that is in force."""
        current = self.terms.get(stage)
        return current is not None and (terms == current or terms in self.within.get(current, ()))

    def after(self, body: ReleaseApplied) -> Release:
        """The release after another plan."""
        agreed = self.agreed.intersection(body.terms.values())
        within = {digest: self.within[digest] for digest in body.terms.values() if digest in self.within}
        for stage, looser in body.tightened.items():
            digest = body.terms[stage]
            agreed |= {digest}
            within[digest] = self.within.get(looser, frozenset()) | {looser}
        return Release(name=self.name, given=body.given, terms=body.terms, agreed=agreed, within=within)

    def agreeing(self, terms: str) -> Release:
        """The release after every agency has agreed to terms."""
        return replace(self, agreed=self.agreed | {terms})
