"""A key and what it asks for, in a state at a moment; and the entries that the answer rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from sluicegate.core.access.decision import Ask
from sluicegate.core.access.obstacles import LAYER_OF, Obstacles
from sluicegate.core.access.refusals import Deny
from sluicegate.core.access.rows import CredentialRow, GrantRow, Offer
from sluicegate.core.lifecycle import keyring
from sluicegate.core.lifecycle.state import State
from sluicegate.core.lifecycle.trail import CASE, CREDENTIAL, GRANT, IMPORT, STAGE, TERMS, TURN, stage_name
from sluicegate_record.entities.release import Release
from sluicegate_record.terms import quorum


class LayerWords(NamedTuple):
    """What is said of a layer: the present state, what would change it, and the entries it rests on."""

    text: str
    would_change: str = ""
    entries: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A key and what it asks for, in a state at a moment, with what was found.

    `spent` is how many requests of a stage gateways have reported for this day; None: it is not known.
    """

    state: State
    credential: CredentialRow
    ask: Ask
    now_ms: int
    found: Obstacles
    spent: Callable[[tuple[str, str]], int] | None = None

    @property
    def own(self) -> GrantRow:
        """The grant or account of the key."""
        return self.credential.grant

    @property
    def offer(self) -> Offer | None:
        """What the release of the model offers."""
        return self.state.table.offers.get(self.ask.model)

    @property
    def held(self) -> GrantRow | None:
        """The organization's grant for the model on the surface."""
        offer = self.offer
        key = None if offer is None else (self.own.organization, offer.release, self.ask.surface)
        return None if key is None else self.state.table.grants.get(key)

    @property
    def release(self) -> Release | None:
        """The release of the model."""
        offer = self.offer
        return None if offer is None else self.state.releases.get(offer.release)

    @property
    def stage(self) -> tuple[str, str] | None:
        """The stage that the decision rests on, or would: by the grant, or the one that is for everyone."""
        offer, held = self.offer, self.held
        if self.found.allowed is not None and offer is not None:
            return offer.release, self.found.allowed.stage
        if held is not None:
            return held.release, held.stage
        return (
            None if offer is None or offer.audience is None else (offer.release, offer.audience.asked.stage)
        )

    @property
    def deciders(self) -> str:
        """The agencies that decide about organizations in the stage."""
        release, stage = self.release, self.stage
        body = None if release is None or stage is None else release.plan.stages.get(stage[1])
        rule = None if body is None else body.admission.grant
        return " and ".join(sorted(quorum.parties_of(rule))) if rule is not None else "its agencies"

    def refusals(self, layer: str) -> list[Deny]:
        """What refuses in a layer."""
        return [each for each in self.found.refusals if LAYER_OF[each.reason] == layer]

    def trail(self, kind: str, name: str, most: int = 4) -> tuple[int, ...]:
        """The places of the newest entries about a subject."""
        return tuple(self.state.trail.of(kind, name, most))


# The entries that it rests on


def of_key(inquiry: Inquiry) -> tuple[int, ...]:
    """The entries of the key: it came, it counts, it ended."""
    name = inquiry.credential.id
    batch = keyring.import_of(name)
    issued = inquiry.state.keyring.places[name]
    return (issued, *(inquiry.trail(IMPORT, batch) if batch else ()), *inquiry.trail(CREDENTIAL, name))


def terms_of(inquiry: Inquiry, stage: tuple[str, str]) -> list[str]:
    """The terms by which the stage is asked for: those of the grant, or in force."""
    held, release = inquiry.held, inquiry.state.releases.get(stage[0])
    mine = [held.terms] if held is not None and (held.release, held.stage) == stage else []
    return [*mine, *([release.terms[stage[1]]] if release is not None and stage[1] in release.terms else [])]


def of_stage(inquiry: Inquiry, stage: tuple[str, str]) -> tuple[int, ...]:
    """The entries of a stage: the plan that states its terms, what opened or closed it, the newest ones."""
    terms = (at for each in terms_of(inquiry, stage) for at in inquiry.trail(TERMS, each, 1))
    name = stage_name(*stage)
    return (*terms, *inquiry.trail(TURN, name, 1), *inquiry.trail(STAGE, name, 2))


def of_grant(inquiry: Inquiry, grant: str) -> tuple[int, ...]:
    """The entries of a grant: the opening of its case, and all that happened to it."""
    found = inquiry.state.grants.get(grant)
    opened = inquiry.trail(CASE, found.case, 1) if found is not None else ()
    return (*opened, *inquiry.trail(GRANT, grant))
