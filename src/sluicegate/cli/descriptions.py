"""Directives in words, as a person reads them: what they say, and who they cover."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sluicegate.acts.coverage import AssuranceSides, Counts, ExceptionCoverage, SideCounts, UnknownCounts
from sluicegate.acts.directives import (
    AffectedPeople,
    DirectivePreview,
    DirectiveStatus,
    DirectiveSummary,
    DirectiveView,
    LiftView,
    NamedCoverage,
    Remark,
    UnmatchedName,
)
from sluicegate.cli import wording
from sluicegate_record.directives.document import Reasons
from sluicegate_record.directives.phrases import UNREAD, covered, part
from sluicegate_record.terms import phrases
from sluicegate_record.terms.text import counted

_COUNTED = {
    "organizations": ("organization", "organizations"),
    "members": ("member", "members"),
    "credentials": ("key", "keys"),
    "streams": ("open stream", "open streams"),
    "requests": ("request of the last day", "requests of the last day"),
}


def sides(prefix: str, covered: SideCounts, spared: SideCounts) -> str:
    """How many a directive covers and spares, in one line."""
    return f"{prefix} {_counts(covered)}; it spares {_counts(spared)}"


def affected(shown: AffectedPeople) -> str:
    """How many of one's own people a directive covers."""
    first = sides(f"of your organization, {shown.directive} covers", shown.covered, shown.spared)
    return "\n".join([first, *_not_known(shown.not_known)])


def preview(shown: DirectivePreview) -> str:
    """Who a directive would cover and spare, what is not known, and what each exception changes."""
    lines = [
        sides(f"{shown.directive} would cover", shown.covered, shown.spared),
        *_not_known(shown.not_known),
        *map(_organization, shown.organizations),
        *_assured(shown.assurance),
        *exceptions(shown.exceptions),
    ]
    if shown.not_directed:
        lines.append(
            f"  its issuer does not direct {', '.join(shown.not_directed)} alone: two officers have to"
        )
        lines.append("    transcribe the order")
    lines += unmatched(shown.unmatched, shown.unmatched_names)
    if shown.withheld:
        lines.append("  counted are only organizations of which you see a case: others are fewer than five,")
        lines.append("    or the order names some")
    return "\n".join(lines)


def exceptions(found: Iterable[ExceptionCoverage]) -> Iterator[str]:
    """What each exception spares; a warning for one that spares no one."""
    for each in found:
        if any(each.spares.to_json().values()):
            yield f"  the exception {each.exception} spares {_counts(each.spares)}"
        else:
            yield f"  warning: the exception {each.exception} spares no one who is here now"


def unmatched(count: int, names: Sequence[UnmatchedName]) -> Iterator[str]:
    """The names that match no organization here, and what may have been meant."""
    if count:
        yield f"  no match here yet for {counted(count, 'name')}: it is matched when one of that name comes"
    for each in names:
        yield f"    {each.name} ({each.listed})"
        if each.nearest:
            yield f"      similar names here: {'; '.join(each.nearest)}"
        if each.look_alikes:
            named = (f"{letter} ({unicodedata.name(letter, '?').lower()})" for letter in each.look_alikes)
            yield f"      letters of another alphabet: {', '.join(named)}"
    if count > len(names) > 0:
        yield f"    and {count - len(names):,} more"


def _not_known(unknown: UnknownCounts) -> Iterator[str]:
    for each in unknown.settled_by:
        yield f"  unknown ({wording.words(each.why)}): {_counts(each)}; to settle it, {each.text}"


def _organization(found: NamedCoverage) -> str:
    sector = f" [{found.sector}]" if found.sector else ""
    name = found.name or found.organization
    return f"  {name}{sector}: {_counts(found.covered)}; spared {_counts(found.spared)}"


def _assured(assurance: Mapping[str, AssuranceSides]) -> Iterator[str]:
    for word, each in assurance.items():
        if each.covered or each.spared:
            yield f"  {word}: {counted(each.covered, 'request')} covered, {each.spared} spared"


def _counts(counts: Counts) -> str:
    given = counts.to_json()
    told = [counted(given[kind], one, many) for kind, (one, many) in _COUNTED.items() if given.get(kind)]
    return ", ".join(told) or "no one"


def directive(shown: DirectiveView) -> str:
    """A directive on the public record, and the notes about it."""
    where = shown.surfaces if shown.surfaces == "all" else ", ".join(shown.surfaces)
    lines = [
        f"{shown.directive}: {_state(shown)}",
        f"  issued by {issuer(shown)} {wording.minute(shown.issued_at_ms)}",
        f"  basis: {shown.basis.kind}, {shown.basis.authority}",
        f"  {shown.action}s {', '.join(shown.models)} on {where}",
        f"  covers {covered(shown.covers)}",
        *([f"  except {covered(shown.except_)}"] if shown.except_ is not None else []),
        *map(_lifted, shown.lifted),
        f"  {'may' if shown.ended_at_ms is None else 'could'} be lifted by: {phrases.rule(shown.lifted_by)}",
        f"  exceptions from it are decided by: {phrases.rule(shown.document.spec.licensing)}",
        f"  its document has the digest {shown.document.digest}",
        *map(_remark, shown.said),
    ]
    return "\n".join(lines)


def _state(shown: DirectiveView) -> str:
    drill = "a drill, " if shown.drill else ""
    if shown.ended_at_ms is not None:
        whose = wording.written_for(shown.lift_transcribed_for)
        return f"{drill}{shown.ended} {wording.minute(shown.ended_at_ms)}{whose}"
    begins_ms, stands = shown.effective_ms, "which refuses no request" if shown.drill else "in force"
    return drill + (stands if begins_ms is None else f"{stands} from {wording.minute(begins_ms)}")


def issuer(shown: DirectiveSummary) -> str:
    """The issuer of a directive; and the officers, if they wrote it down for the issuer."""
    return shown.issuer if shown.transcribed is None else f"{shown.issuer} ({transcript(shown)})"


def transcript(shown: DirectiveSummary | DirectiveStatus) -> str:
    """Which officers wrote a directive down, and whether its issuer has confirmed it since."""
    assert shown.transcribed is not None
    stood = "its issuer has confirmed it" if shown.confirmed else "its issuer has not confirmed it"
    return f"{wording.transcript(shown.transcribed, shown.officers)}; {stood}"


def _lifted(lift: LiftView) -> str:
    whose = wording.written_for(lift.transcribed_for)
    return f"  lifted {wording.minute(lift.at_ms)} {part(lift.scope)}{whose}"


def _remark(said: Remark) -> str:
    if said.kind != "document":
        return f"  {said.kind} by {said.party}, {said.on}: {said.text}"
    reasons = said.reasons
    told = f"{reasons.form} {reasons.summary or ''}" if isinstance(reasons, Reasons) else UNREAD
    return f"  reasons, entry {said.seq}: {told}".rstrip()
