"""What limits a grant now: its own end, its stage, what serves it, its programmes, directives and findings.

Rules:
- Only the developer's staff, its holder, and the issuer of a directive see that the directive limits it: an
  annex may have names that its issuer shows to no one else.
- A directive about persons limits some of those who use the grant: who, each request says. One that names
  single members is not shown: it is about them, and not about the grant.
- Who may see a grant may know of the findings of its release.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sluicegate.acts.act import DEVELOPER
from sluicegate.acts.grants import GrantLimit
from sluicegate.core.access.rows import GrantRow
from sluicegate.core.directives.cover import Cover, Whom
from sluicegate.core.lifecycle import State
from sluicegate.ports import Principal
from sluicegate_record.directives.status import Assurance
from sluicegate_record.entities.grant import SUSPENDED, Grant
from sluicegate_record.terms.text import counted

ANYONE = Whom(None, frozenset(), Assurance.SELF_ASSERTED)
"""A person that nothing is known of."""


def limits(state: State, principal: Principal, held: Grant, now_ms: int) -> Iterator[GrantLimit]:
    """What limits a grant now, that the principal may know of."""
    row = state.table.grants_by_id[held.id]
    if not held.is_live:
        yield GrantLimit(kind="ended", name=held.standing, words=f"it is over: {held.standing}")
        return
    yield from _own(state, held, row, now_ms)
    for directive in _about(state, row):
        if _may_know(state, principal, held, directive.name):
            yield from _by_directive(state, directive, row, now_ms)
    yield from _by_findings(state, row)


def _by_findings(state: State, row: GrantRow) -> Iterator[GrantLimit]:
    """What open findings take from a grant, by its terms."""
    for model, weak in sorted(state.table.weak.get(row.terms, {}).items()):
        does = (
            "suspends" if weak.suspended_by is not None else f"restricts ({_rate(weak.requests_per_minute)})"
        )
        if model in row.models:
            names = ", ".join(weak.findings)
            yield GrantLimit(kind="finding", name=weak.findings[0], words=f"finding {names} {does} {model}")


def _own(state: State, held: Grant, row: GrantRow, now_ms: int) -> Iterator[GrantLimit]:
    """What limits a grant that has not ended by itself, its terms, or what serves it."""
    if held.standing == SUSPENDED:
        yield from _suspended(state, held)
    if row.valid_from_ms > now_ms:
        yield GrantLimit(kind="not-begun", name=None, words="it has not begun")
    if row.terms not in state.table.open_terms:
        yield GrantLimit(kind="stage", name=held.stage, words=f"stage {held.stage} is not open")
    unstated = _unstated(state, row, now_ms)
    if unstated:
        words = f"no statement holds that what was agreed to serves {', '.join(unstated)}"
        yield GrantLimit(kind="deployment", name=None, words=words)
    for label in sorted(held.halted):
        yield GrantLimit(kind="programme", name=label, words=f"the programme {label} is suspended")


def _suspended(state: State, held: Grant) -> Iterator[GrantLimit]:
    """Who suspends a grant: open reports of its misuse, or else the developer's staff."""
    known = state.record.findings.values()
    reports = [each for each in known if each.grant == held.id and each.suspends and each.is_open]
    for each in reports:
        said = f"suspended by a report of {each.party}, finding {each.id}, until it is closed"
        yield GrantLimit(kind="suspended", name=each.id, words=f"{said}: no key of it works")
    if not reports:
        words = f"suspended by {state.developer}: no key of it works"
        yield GrantLimit(kind="suspended", name=None, words=words)


def _unstated(state: State, row: GrantRow, now_ms: int) -> list[str]:
    """The models of a grant that are refused because nothing holds that says what serves them."""
    if row.agreed is None:
        return []
    said = state.table.deployments.get(row.release)
    return sorted(
        model
        for model, upstream in row.models.items()
        if said is None or said.holds_until_ms(row.agreed, model, upstream, row.surface) <= now_ms
    )


def _about(state: State, row: GrantRow) -> Iterable[Cover]:
    """The directives in force that may cover a request under a grant, whatever person it names."""
    entity = state.table.entity(row.organization)
    indexes = (state.table.directed[model] for model in sorted(row.models) if model in state.table.directed)
    found = {each.name: each for index in indexes for each in index.candidates(entity, ())}
    return (each for name, each in found.items() if name in state.directives)


def _may_know(state: State, principal: Principal, held: Grant, directive: str) -> bool:
    is_issuer = principal.party is not None and principal.party == state.directives[directive].issuer
    return principal.role == DEVELOPER or is_issuer or state.holder_of(held) == principal.acts_for


def _by_directive(state: State, directive: Cover, row: GrantRow, now_ms: int) -> Iterator[GrantLimit]:
    """The limit by a directive, if it covers someone under a grant now."""
    models = sorted(each for each in row.models if directive.is_about(each, row.surface))
    begins, ends = directive.from_ms <= now_ms, directive.until_ms
    if not models or not begins or (ends is not None and ends <= now_ms):
        return
    entity = state.table.entity(row.organization)
    covered = [each for each in models if directive.covers(each, row.surface, entity, (ANYONE,), now_ms)]
    people = "" if covered and not directive.asks_persons else " for some of its people"
    if not covered and not directive.asks_persons:
        return
    what = "suspends" if directive.restricts is None else f"restricts ({_asked(directive)})"
    words = f"directive {directive.name} {what} {', '.join(covered or models)}{people}"
    yield GrantLimit(kind="directive", name=directive.name, words=words)


def _rate(per_minute: int | None) -> str:
    return counted(per_minute or 0, "request") + " a minute"


def _asked(directive: Cover) -> str:
    """What a restriction asks, in words."""
    asked = directive.restricts or {}
    rate = asked.get("requestsPerMinute")
    said = [_rate(rate)] if isinstance(rate, int) else []
    return ", ".join([*said, *(["each request names a person"] if asked.get("personNamed") else [])])
