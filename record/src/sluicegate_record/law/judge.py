"""The judgement of an entry, and which effect an unlawful entry has.

Rules:
- An entry is judged by the rules of its own version: a later version has a row of its own in `RULES`.
- An unlawful entry that narrows access applies. A change that is not clearly a narrowing has no effect.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sluicegate_record.entities.key import Keys
from sluicegate_record.entries import (
    Body,
    Entry,
    Unknown,
    Withheld,
    accounts,
    cases,
    credentials,
    deployments,
    directives,
    evidence,
    findings,
    grants,
    licences,
    ramps,
    releases,
)
from sluicegate_record.errors import SluicegateError
from sluicegate_record.form import replace
from sluicegate_record.law import accounts as of_accounts
from sluicegate_record.law import bases as of_bases
from sluicegate_record.law import cases as of_cases
from sluicegate_record.law import clearances as of_clearances
from sluicegate_record.law import closures as of_closures
from sluicegate_record.law import credentials as of_credentials
from sluicegate_record.law import deployments as of_deployments
from sluicegate_record.law import designations as of_designations
from sluicegate_record.law import directives as of_directives
from sluicegate_record.law import epochs as of_epochs
from sluicegate_record.law import evidence as of_evidence
from sluicegate_record.law import findings as of_findings
from sluicegate_record.law import fleet as of_fleet
from sluicegate_record.law import foresight as of_foresight
from sluicegate_record.law import grants as of_grants
from sluicegate_record.law import keys as of_keys
from sluicegate_record.law import licences as of_licences
from sluicegate_record.law import logkeys as of_log_keys
from sluicegate_record.law import observations as of_observations
from sluicegate_record.law import people as of_people
from sluicegate_record.law import promises as of_promises
from sluicegate_record.law import ramps as of_ramps
from sluicegate_record.law import referrals as of_referrals
from sluicegate_record.law import releases as of_releases
from sluicegate_record.law import successions as of_successions
from sluicegate_record.law import times as of_times
from sluicegate_record.law import versions as of_versions
from sluicegate_record.law.rule import At, Broken, LawRule, Support
from sluicegate_record.record import Record
from sluicegate_record.statements.findings import PERSISTS
from sluicegate_record.statements.people import PERSONS
from sluicegate_record.terms import kinds

_COUNTED: set[LawRule] = {
    of_referrals.says_whether_it_counts,
    of_referrals.binds_as_terms_say,
    of_designations.raises_what_the_terms_say,
    of_designations.lowers_what_the_terms_say,
    of_evidence.raises_what_the_comparison_says,
    of_evidence.lowers_what_the_comparison_said,
}
"""An entry that breaks only one of these rules is as it was signed."""
_OF_PLAN: set[LawRule] = {of_releases.is_tighter, of_releases.is_raised_as_designated}
"""A plan that breaks only one of these rules is in force without what it says of earlier terms."""


def _joined(*tables: Mapping[type[Body], tuple[LawRule, ...]]) -> dict[type[Body], tuple[LawRule, ...]]:
    """The rules of several tables; those of one type follow each other, in the order of the tables.

    Those whose breach is set right come last: what breaks one of them breaks no other one.
    """
    found: dict[type[Body], tuple[LawRule, ...]] = {}
    for table in tables:
        for type_, rules in table.items():
            found[type_] = (*found.get(type_, ()), *rules)
    set_right = _COUNTED | _OF_PLAN
    return {type_: tuple(sorted(rules, key=set_right.__contains__)) for type_, rules in found.items()}


RULES: dict[int, Mapping[type[Body], tuple[LawRule, ...]]] = {
    1: _joined(
        of_releases.RULES,
        of_keys.RULES,
        of_log_keys.RULES,
        of_cases.RULES,
        of_grants.RULES,
        of_successions.RULES,
        of_credentials.RULES,
        of_people.RULES,
        of_directives.RULES,
        of_fleet.RULES,
        of_accounts.RULES,
        of_clearances.RULES,
        of_designations.RULES,
        of_evidence.RULES,
        of_findings.RULES,
        of_deployments.RULES,
        of_observations.RULES,
        of_promises.RULES,
        of_bases.RULES,
        of_licences.RULES,
        of_ramps.RULES,
        of_foresight.RULES,
        of_closures.RULES,
        of_epochs.RULES,
    ),
}
"""The rules for the entries of each version and type, in the order in which they are checked."""
_ANY: tuple[LawRule, ...] = (*of_versions.RULES, *of_times.RULES)
"""The rules for every entry. They are checked first."""


def rules_of(entry: Entry) -> tuple[LawRule, ...]:
    """The rules for entries of this version and type. `versions` and `times` have those for every entry."""
    return () if isinstance(entry.body, Unknown) else RULES[entry.v].get(type(entry.body), ())


_EVERY = {
    rule for rules in (_ANY, *(rules for row in RULES.values() for rules in row.values())) for rule in rules
}
_WORDS = {rule.__name__: (rule.__doc__ or "").partition("\n")[0] for rule in _EVERY}
assert len(_WORDS) == len(_EVERY), "two rules have one name"


def words(rule: str) -> str:
    """A rule in words, as one sentence."""
    return _WORDS[rule]


@dataclass(frozen=True, slots=True)
class Breach:
    """An entry is not lawful: the name of the rule that it breaks, and why."""

    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Unchecked:
    """No one can say whether an entry is lawful: these rules need a field that was withheld."""

    rules: tuple[str, ...]


def breach(record: Record, entry: Entry, keys: Keys, log: str, support: Support) -> Breach | Unchecked | None:
    """What makes an entry unlawful; None if it is lawful.

    Requires: `record` is that of the log before the entry; `log` is the log's verifier key.
    """
    at = At(record, entry, keys, log, support)
    unchecked = []
    for rule in (*_ANY, *rules_of(entry)):
        try:
            rule(at, entry.body)
        except Withheld:
            unchecked.append(rule.__name__)
        except Broken as error:
            return Breach(rule.__name__, str(error))
        except (AttributeError, LookupError, TypeError, ValueError, SluicegateError) as error:
            return Breach(rule.__name__, f"it cannot be checked: {error!r}")
    return Unchecked(tuple(unchecked)) if unchecked else None


def effect(
    record: Record, entry: Entry, found: Breach | Unchecked | None, keys: Keys, log: str
) -> Entry | None:
    """The effect of an entry: an unlawful widening has no effect, a narrowing applies as it was signed.

    Requires: `found` is the answer of `breach`; `record` is that of the log before the entry.
    """
    if found is None:
        return _as_it_is_supported(record, entry, keys, log)
    counted = _as_it_counts(At(record, entry, keys, log, Support.SIGNATURES), entry.body, found)
    return _as_it_narrows(record, entry, found, keys, log) if counted is None else counted


def _as_it_is_supported(record: Record, entry: Entry, keys: Keys, log: str) -> Entry:
    """A lawful entry, with the owners who signed it, and with no larger share than was in before."""
    body: Any = entry.body
    at = At(record, entry, keys, log, Support.SIGNATURES)
    if isinstance(body, cases.PositionRecorded):
        owners = of_cases.signing(at, record.cases[body.case], body)
        return entry.saying(replace(body, owners=tuple(sorted(owners))))
    if isinstance(body, releases.StageOpened) and of_ramps.has_a_say(at, body):
        supported = of_ramps.at_most_carried(at, body)
        return entry if supported == body else entry.saying(supported)
    return entry


def _as_it_narrows(
    record: Record, entry: Entry, found: Breach | Unchecked, keys: Keys, log: str
) -> Entry | None:
    """What of an unlawful entry narrows; None if nothing does."""
    body: Any = entry.body
    at = At(record, entry, keys, log, Support.SIGNATURES)
    if isinstance(body, directives.DirectiveIssued):
        return entry.saying(of_directives.honoured(at, body))
    if isinstance(body, releases.ReleaseApplied) and isinstance(found, Breach):
        is_its_own = found.rule in _names(_OF_PLAN)
        said = of_releases.raised_by(at, body) if is_its_own else {}
        return entry.saying(replace(body, tightened={}, raised=said)) if is_its_own else None
    if isinstance(body, ramps.StageRamped):
        stands = of_ramps.narrowed(at, body)
        return None if stands is None else entry.saying(stands)
    return entry if _narrows(body) else None


def _as_it_counts(at: At, body: Any, found: Breach | Unchecked) -> Entry | None:
    """What is only said wrongly of what was signed is set right: whether an objection counts or a referral
    binds, and the terms to which a designation leads.
    """
    entry = at.entry
    if not isinstance(found, Breach) or found.rule not in _names(_COUNTED):
        return None
    if isinstance(body, cases.PositionRecorded):
        owners = tuple(sorted(of_cases.signing(at, at.record.cases[body.case], body)))
        return entry.saying(replace(body, outside=False, owners=owners))
    if isinstance(body, cases.CaseReferred):
        return entry.saying(replace(body, binds=True))
    raising = of_evidence.raised_by if isinstance(body, _OF_EVIDENCE) else of_designations.raised_by
    return entry.saying(replace(body, raised=raising(at, body)))


_OF_EVIDENCE = (evidence.EvidenceRecorded, evidence.EvidenceWithdrawn)


def carried(body: Body, seq: int, names: Collection[str]) -> Body | None:
    """What of an abandoned entry holds on with those who have seen it: what narrows access; None if nothing.

    A directive takes the place of none, and has a name that is not one of `names`. What a case or a list came
    to is decided again. The end of a key holds on with those who check that its party signed it.
    """
    if isinstance(body, directives.DirectiveIssued):
        if body.document.is_drill:
            return None
        name = body.directive if body.directive not in names else f"{body.directive}#{seq}"
        return replace(body, directive=name, replaces=None)
    is_decided_again = isinstance(body, cases.CaseDetermined | releases.ListChanged)
    narrows = _narrows(body) or isinstance(body, releases.KeyEnded)
    return body if narrows and not is_decided_again else None


def _names(rules: Iterable[LawRule]) -> set[str]:
    return {rule.__name__ for rule in rules}


def _narrows(body: Body) -> bool:
    if isinstance(body, cases.CaseDetermined):
        return body.outcome not in kinds.GRANTED
    if isinstance(body, grants.GrantFallbackChosen):
        return body.fallback is not True
    if isinstance(body, credentials.IdentifiersDeclared):
        return body.identifiers == PERSONS
    if isinstance(body, findings.FindingAnswered):
        return body.outcome == PERSISTS
    return isinstance(body, _NARROWING)


_NARROWING = (
    releases.ListChanged,
    grants.GrantSuspended,
    grants.GrantEnded,
    licences.LicenceEnded,
    credentials.CredentialRevoked,
    credentials.CredentialExpiring,
    credentials.CredentialsDiscarded,
    accounts.AccountClosed,
    releases.StageClosed,
    releases.StageLacking,
    findings.FindingReported,
    findings.FindingOverdue,
    deployments.DeploymentEnded,
)
