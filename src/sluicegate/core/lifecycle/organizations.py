"""What directives need to know of an organization: its legal name as a tag, its country, its sector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sluicegate.core.lifecycle.answer import Refusal
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entries import Draft
from sluicegate_record.entries.cases import Description
from sluicegate_record.entries.people import OrganizationDescribed
from sluicegate_record.log.leaf import Entropy


def describe(state: State, described: Sequence[Description], entropy: Entropy) -> Iterator[Draft]:
    """The entries that describe the organizations that the log does not describe yet.

    If the organization is known, an application does not change its description, except the other names of
    one that nothing was decided about (`renamed`). An approved amendment does.
    """
    for each in described:
        if each.organization not in state.table.organizations or _is_renamed(state, each):
            yield described_anew(each, entropy)


def renamed(state: State, described: Description | None) -> Refusal | None:
    """Why an application may not state other names and identifiers than those that the log knows.

    Who decides about an organization sees those in its file, and lists go by those in the log.
    """
    if (
        described is None
        or not _is_renamed(state, described)
        or not _is_decided(state, described.organization)
    ):
        return None
    said = "the aliases, lei and registry differ from those that your organization stated before"
    remedy = "state the same; with a grant, 'sluicegate application amend GRANT' changes them"
    return Refusal("conflict", "identifiers_differ", said, remedy)


def _is_renamed(state: State, described: Description) -> bool:
    known = state.table.other_names.of.get(described.organization, ())
    return described.organization in state.table.organizations and set(known) != set(described.also)


def _is_decided(state: State, organization: str) -> bool:
    """Whether anything about an organization was decided, or waits for a decision."""
    cases = (state.cases[name] for name in state.cases_of.get(organization, ()))
    return organization in state.accounts.newest or any(case.outcome not in _UNDECIDED for case in cases)


_UNDECIDED = {"withdrawn", "returned"}
"""How a case ends that no one has decided."""


def described_anew(described: Description, entropy: Entropy) -> Draft:
    """The entry that describes an organization and replaces what was known of it."""
    return Draft.of("organizations", OrganizationDescribed(described=described), entropy)
