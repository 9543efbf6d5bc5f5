"""What directives must know of an organization: its legal name as a tag, its country, its sector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sluicegate.core.lifecycle.state import State
from sluicegate_record.entries import Draft
from sluicegate_record.entries.cases import Description
from sluicegate_record.entries.people import OrganizationDescribed
from sluicegate_record.log.leaf import Entropy


def describe(state: State, described: Sequence[Description], entropy: Entropy) -> Iterator[Draft]:
    """The entries that describe those organizations that the log does not describe yet.

    What an application says of one that is known changes nothing: an amendment does, once it is approved.
    """
    for each in described:
        if each.organization not in state.table.organizations:
            yield described_anew(each, entropy)


def described_anew(described: Description, entropy: Entropy) -> Draft:
    """The entry that describes an organization, in place of what was known of it."""
    return Draft.of("organizations", OrganizationDescribed(described=described), entropy)
