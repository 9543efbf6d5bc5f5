"""The entries of the log: one class for each type.

The type of a field says how it is read, and which part of the entry it is in. Reading, writing, the JSON
Schema and the table in the reference all follow from these declarations.
"""

from sluicegate_record.entries import (
    accounts,
    bases,
    cases,
    clearances,
    closures,
    credentials,
    deployments,
    designations,
    directives,
    epochs,
    evidence,
    findings,
    fleet,
    grants,
    licences,
    observations,
    people,
    promises,
    ramps,
    releases,
)
from sluicegate_record.entries.body import TYPES, Body, Hidden, Withheld, commitment_of, or_hidden, seen
from sluicegate_record.entries.entry import Draft, Entry, Unknown, of_leaf, place, place_all, read

__all__ = [
    "TYPES",
    "Body",
    "Draft",
    "Entry",
    "Hidden",
    "Unknown",
    "Withheld",
    "accounts",
    "bases",
    "cases",
    "clearances",
    "closures",
    "commitment_of",
    "credentials",
    "deployments",
    "designations",
    "directives",
    "epochs",
    "evidence",
    "findings",
    "fleet",
    "grants",
    "licences",
    "observations",
    "of_leaf",
    "or_hidden",
    "people",
    "place",
    "place_all",
    "promises",
    "ramps",
    "read",
    "releases",
    "seen",
]
