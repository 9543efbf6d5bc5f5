"""What directives need to know of an organization: its legal name as a tag, its country, its sector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sluicegate.core.lifecycle.state import State
from sluicegate_record.entries import Draft
from sluicegate_record.entries.cases import Description
from sluicegate_record.entries.people import OrganizationDescribed
from sluicegate_record.log.leaf import Entropy


def describe(state: State, described: Sequence[Description], entropy: Entropy) -> Iterator[Draft]:
    """The entries that describe the organizations that the log does not describe yet.

    If the organization is known, an application does not change its description. An approved amendment does.
    """
    for each in described:
        if each.organization not in state.table.organizations:
            yield described_anew(each, entropy)


def described_anew(described: Description, entropy: Entropy) -> Draft:
    """The entry that describes an organization and replaces what was known of it."""
    return Draft.of("organizations", OrganizationDescribed(described=described), entropy)
