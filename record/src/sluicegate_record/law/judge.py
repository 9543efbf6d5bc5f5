"""The judgement of an entry, and which effect an unlawful entry has.

Rules:
- An entry is judged by the rules of its own version: a later version has a row of its own in `RULES`.
- An unlawful entry that narrows access applies. A change that is not clearly a narrowing has no effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sluicegate_record.entities.key import Keys
from sluicegate_record.entries import (
    Body,
    Entry,
    Unknown,
    Withheld,
    cases,
    credentials,
    directives,
    grants,
    releases,
)
from sluicegate_record.errors import SluicegateError
from sluicegate_record.form import replace
from sluicegate_record.law import cases as of_cases
from sluicegate_record.law import credentials as of_credentials
from sluicegate_record.law import directives as of_directives
from sluicegate_record.law import fleet as of_fleet
from sluicegate_record.law import grants as of_grants
from sluicegate_record.law import people as of_people
from sluicegate_record.law import releases as of_releases
from sluicegate_record.law import times as of_times
from sluicegate_record.law import versions as of_versions
from sluicegate_record.law.rule import At, Broken, LawRule, Support
from sluicegate_record.record import Record
from sluicegate_record.terms import kinds

RULES: dict[int, Mapping[type[Body], tuple[LawRule, ...]]] = {
    1: {
        **of_releases.RULES,
        **of_cases.RULES,
        **of_grants.RULES,
        **of_credentials.RULES,
        **of_people.RULES,
        **of_directives.RULES,
        **of_fleet.RULES,
    },
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
    body: Any = entry.body
    if isinstance(body, cases.PositionRecorded) and found is None:
        at = At(record, entry, keys, log, Support.SIGNATURES)
        owners = of_cases.signing(at, record.cases[body.case], body)
        return entry.saying(replace(body, owners=tuple(sorted(owners))))
    if found is None:
        return entry
    if isinstance(body, directives.DirectiveIssued):
        at = At(record, entry, keys, log, Support.SIGNATURES)
        return entry.saying(of_directives.honoured(at, body))
    if isinstance(body, releases.ReleaseApplied) and isinstance(found, Breach):
        is_its_own = found.rule == of_releases.is_tighter.__name__
        return entry.saying(replace(body, tightened={})) if is_its_own else None
    return entry if _narrows(body) else None


def _narrows(body: Body) -> bool:
    if isinstance(body, cases.CaseDetermined):
        return body.outcome not in kinds.GRANTED
    if isinstance(body, grants.GrantFallbackChosen):
        return body.fallback is not True
    return isinstance(body, _NARROWING)


_NARROWING = (
    releases.ListChanged,
    grants.GrantSuspended,
    grants.GrantEnded,
    credentials.CredentialRevoked,
)
