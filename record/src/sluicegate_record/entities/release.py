"""A release and its plan in force, and the terms of its stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from sluicegate_record.entries import Hidden, or_hidden, seen
from sluicegate_record.entries.releases import ReleaseApplied
from sluicegate_record.form import Form, form, replace
from sluicegate_record.terms import kinds, scrutiny
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

    Where designations hold, the plan in force is the one that was applied, as its scrutiny levels amend it.
    `applied` is then that one, and `own` are the digests of its terms that are amended, by stage. Agencies
    agree to these; what a level makes of them is agreed to with them.
    """

    name: str
    given: Annotated[Plan | Hidden, or_hidden(Plan)]
    terms: Mapping[str, str]
    agreed: frozenset[str] = frozenset()
    within: Mapping[str, frozenset[str]] = field(default_factory=dict)
    applied: Annotated[Plan | Hidden | None, or_hidden(Plan | None)] = None
    own: Mapping[str, str] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """The plan in force. Raises: Withheld."""
        return seen(self.given)

    @property
    def stated(self) -> Plan:
        """The plan as it was applied, without what scrutiny adds. Raises: Withheld."""
        return self.plan if self.applied is None else seen(self.applied)

    @property
    def own_terms(self) -> dict[str, str]:
        """The digests of the plan's own terms, by stage."""
        return {**self.terms, **self.own}

    def terms_for(self, kind: str, stage: str) -> str | None:
        """The terms that a case of a kind is about: the plan's own, or those in force."""
        return (self.own_terms if kind in kinds.AGREED else self.terms).get(stage)

    def answers(self, stage: str, terms: str) -> bool:
        """Whether a case about these terms still answers the stage that is in force."""
        current = self.terms.get(stage)
        return current is not None and (terms == current or terms in self.within.get(current, ()))

    def after(self, body: ReleaseApplied) -> Release:
        """The release after another plan, without what scrutiny makes of it."""
        agreed = self.agreed.intersection(body.terms.values())
        within = {digest: self.within[digest] for digest in body.terms.values() if digest in self.within}
        for stage, looser in body.tightened.items():
            digest = body.terms[stage]
            agreed |= {digest}
            within[digest] = self.within.get(looser, frozenset()) | {looser}
        return Release(name=self.name, given=body.given, terms=body.terms, agreed=agreed, within=within)

    def under(self, levels: tuple[str, ...], raised: Mapping[str, str]) -> Release:
        """The release where these levels hold, with the digests that they give terms, by stage."""
        own, applied = self.own_terms, self.given if self.applied is None else self.applied
        bare = replace(self, given=applied, terms=own, applied=None, own={})
        if not raised:
            return bare
        agreed, within = set(self.agreed), dict(self.within)
        for stage, digest in raised.items():
            agreed |= {digest} if own[stage] in agreed else set()
            within[digest] = within.get(own[stage], frozenset()) | {own[stage]}
            within[own[stage]] = within.get(own[stage], frozenset()) | {digest}
        return replace(
            bare,
            given=applied if isinstance(applied, Hidden) else scrutiny.under(applied, levels),
            terms={**own, **raised},
            agreed=frozenset(agreed),
            within=within,
            applied=applied,
            own={stage: own[stage] for stage in raised},
        )

    def disagreeing(self, terms: str) -> Release:
        """The release after the agreement to terms of its plan was found to be forged."""
        raised = {self.terms[stage] for stage, own in self.own.items() if own == terms}
        return replace(self, agreed=self.agreed - raised - {terms})

    def agreeing(self, terms: str) -> Release:
        """The release after every agency has agreed to terms of its plan."""
        raised = {self.terms[stage] for stage, own in self.own.items() if own == terms}
        return replace(self, agreed=self.agreed | raised | {terms})
