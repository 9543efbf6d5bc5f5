"""What directives must know of an organization: its legal name as a tag, its country, its sector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sluicegate.core.lifecycle.state import State
from sluicegate_record.log import events
from sluicegate_record.log.events import Draft, Entropy


@dataclass(frozen=True, slots=True)
class Described:
    """An organization by its pseudonym. `name` is the tag of its legal name, 32 hex digits."""

    organization: str
    name: str
    registered_in: str
    sector: str | None = None

    def to_json(self) -> dict[str, str]:
        """As it stands in a gate part."""
        found = {"organization": self.organization, "name": self.name, "registeredIn": self.registered_in}
        return {**found, "sector": self.sector} if self.sector else found


def describe(state: State, described: Sequence[Described], entropy: Entropy) -> Iterator[Draft]:
    """The entries that describe those organizations that the log does not describe yet.

    What an application says of one that is known changes nothing: an amendment does, once it is approved.
    """
    for each in described:
        if each.organization not in state.table.organizations:
            yield described_anew(each.to_json(), entropy)


def described_anew(described: dict[str, str], entropy: Entropy) -> Draft:
    """The entry that describes an organization, in place of what was known of it."""
    gate = {"described": events.opening(described, entropy)}
    return Draft(events.ORGANIZATION_DESCRIBED, "organizations", {}, gate)
