"""The JSON form of a record, and the faults by which it is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Literal

from sluicegate_record.entities.account import Account
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.clearing import Clearing
from sluicegate_record.entities.closing import Closing, Lack
from sluicegate_record.entities.closure import Closure
from sluicegate_record.entities.course import Course
from sluicegate_record.entities.deployment import Deployment
from sluicegate_record.entities.designation import Designation
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entities.evidence import Evidence
from sluicegate_record.entities.finding import Finding
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entities.key import PinnedKey
from sluicegate_record.entities.keyimport import KeyImport
from sluicegate_record.entities.licence import Licence
from sluicegate_record.entities.logkey import LogKey
from sluicegate_record.entities.observation import Observation
from sluicegate_record.entities.promise import Promise
from sluicegate_record.entities.release import Release, Terms
from sluicegate_record.form import Form, Misread, Time, form
from sluicegate_record.statements.epochs import TreeHead
from sluicegate_record.terms.plan import Plan

VERSION: Literal[25] = 25
"""The version of this form. A field more, in it or in an entity, makes the next one: docs/architecture.md
lists what each added.
"""


@form
class Snapshot(Form):
    """A record as it is written. Each list has the entities that know their own name, oldest first.

    A record of another version is made again, from the log.
    """

    v: Literal[25]
    origin: str
    log: str
    log_keys: tuple[LogKey, ...]
    developer: str
    newest_v: int
    abandoned: tuple[TreeHead, ...]
    keys: tuple[PinnedKey, ...]
    releases: tuple[Release, ...]
    terms: Mapping[str, Terms]
    opened: Mapping[str, Time | None]
    closings: Mapping[str, Closing]
    recalls: Mapping[str, Closing]
    lacking: Mapping[str, Lack]
    courses: Mapping[str, Course]
    foreseen: Mapping[str, Time]
    closures: Mapping[str, Closure]
    clearances: Mapping[str, Clearing]
    evidence: tuple[Evidence, ...]
    findings: tuple[Finding, ...]
    cases: tuple[Case, ...]
    grants: tuple[Grant, ...]
    directives: tuple[Directive, ...]
    promises: tuple[Promise, ...]
    imports: tuple[KeyImport, ...]
    accounts: tuple[Account, ...]
    bases: Mapping[str, str]
    reminded: tuple[str, ...]
    licences: tuple[Licence, ...]
    designations: tuple[Designation, ...]
    deployments: tuple[Deployment, ...]
    observations: tuple[Observation, ...]


OWN_NAMES: Mapping[str, str] = {
    "keys": "keyid",
    "releases": "name",
    "cases": "id",
    "grants": "id",
    "directives": "name",
    "promises": "id",
    "licences": "id",
    "evidence": "id",
    "findings": "id",
    "imports": "name",
    "designations": "name",
    "accounts": "id",
    "deployments": "release",
    "observations": "name",
}
"""The lists of entities, each with the field in which one has its own name."""
BY_KEY = (
    *("terms", "opened", "closings", "recalls", "lacking", "courses", "foreseen", "closures", "clearances"),
    "bases",
)
"""What is written by its key, as the record has it."""


def faults(found: Snapshot) -> Iterator[Misread]:
    """Every entity that is there twice, and every case or terms that are named and are not there."""
    for field, own in OWN_NAMES.items():
        names = (getattr(each, own) for each in getattr(found, field))
        for name in (name for name, count in Counter(names).items() if count > 1):
            yield Misread("each once", repr(name), (field,))
    known = {case.id for case in found.cases}
    for field, name in _named(found):
        if name not in known:
            yield Misread("a case of this record", repr(name), (field,))
    for release in found.releases:
        for digest in {*release.terms.values(), *release.own.values()} - found.terms.keys():
            yield Misread("terms of this record", repr(digest), ("releases",))
    for digest, terms in found.terms.items():
        if isinstance(terms.given, Plan) and terms.stage not in terms.given.stages:
            yield Misread("a stage of its plan", repr(terms.stage), ("terms", digest))


def _named(found: Snapshot) -> Iterator[tuple[str, str]]:
    """Every case that an entity names, with the field of the entity."""
    for case in found.cases:
        yield from (
            ("cases", name) for name in (case.dossier, case.root, case.appeal or case.id, *case.appeals)
        )
    for grant in found.grants:
        about = (grant.case, grant.dossier, grant.moved, grant.amendment, grant.removal)
        yield from (("grants", name) for name in about if name is not None)
    for directive in found.directives:
        yield from (("directives", name) for name in directive.lifts)
