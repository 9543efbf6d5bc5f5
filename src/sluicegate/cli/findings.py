"""`finding list`, and a finding as `finding show` shows it: where it stands, and what was said of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sluicegate.acts import findings as acts
from sluicegate.acts.findings import FindingList, FindingSummary, FindingView, FindingWordView
from sluicegate.cli import wording
from sluicegate.cli.listing import Columns, listing
from sluicegate_record.terms import text
from sluicegate_record.terms.requirements import CLOSE, HALT, TELL
from sluicegate_record.terms.text import counted

_FOLLOWS = {
    TELL: "the record says so at each open stage",
    HALT: "no one else is admitted, and no stage opens",
    CLOSE: "its stages are closed until a retest closes it",
}


def _findings(found: FindingList) -> list[list[str]]:
    return [_row(each) for each in found.findings]


def _row(each: FindingSummary) -> list[str]:
    by, owed = wording.finder(each), "; ".join(wording.owed(each))
    return [each.finding, each.release, each.level, each.kind, by, each.state, owed, each.text]


def shown(found: FindingView, opened: Mapping[str, str]) -> str:
    """A finding with all that was said of it; `opened` has the details that were sealed, by their entry."""
    return "\n".join(_lines(found, opened))


def _lines(found: FindingView, opened: Mapping[str, str]) -> Iterator[str]:
    yield f"{found.finding}: {found.kind}, {found.level}, in {found.release}, entry {found.seq}"
    yield f"  {found.text}"
    yield f"  found by {wording.finder(found)}, on the record since {wording.minute(found.reported_at_ms)}"
    if found.transcribed is not None:
        received = found.transcribed.received
        noted = ", ".join(filter(None, (received.note, received.digest)))
        yield f"  entered by the developer's staff: a {received.how} of {received.on} ({noted})"
    if found.axes is not None:
        axes = found.axes.to_json().items()
        yield f"  by the Cyber Jailbreak Severity draft: {', '.join(f'{name} {each}' for name, each in axes)}"
    if found.tested is not None:
        yield f"  model {found.model}: {found.tested.digest}"
        yield f"  safeguards: {found.tested.safeguards}"
    if found.grant is not None:
        yield f"  about the grant {found.grant}"
    yield from _details(found.seq, found.sealed_to, opened)
    for each in found.said:
        yield f"  {_word(each)}"
        yield from _details(each.seq, each.sealed_to, opened)
    yield "  closed" if found.closed_at_ms else f"  open: {found.state}"
    yield from (f"  {each}" for each in wording.owed(found))
    yield from (f"  what follows by the plan: {each}" for each in _follows(found))
    closes = ", ".join(found.closes_by) or "an agency or evaluator that a later plan names"
    retest = "a retest that finds it again opens it" if found.closed_at_ms else "a retest closes it"
    yield f"  {retest}, by {closes}"


def _follows(found: FindingView) -> Iterator[str]:
    """What follows while a finding is open."""
    if found.response is not None:
        yield _FOLLOWS[found.response]
    if found.requests_per_minute is not None:
        rate = counted(found.requests_per_minute, "request")
        yield f"each grant has at most {rate} a minute of {found.model}"
    if found.suspends:
        yield "the grant is suspended until a retest closes it; then the developer resumes it"


def _details(seq: int, sealed_to: Sequence[str], opened: Mapping[str, str]) -> Iterator[str]:
    """The details of an entry, or who can read them."""
    if str(seq) in opened:
        yield f"    details, sealed to {', '.join(sealed_to)}:"
        yield from (f"    | {text.shown(line)}" for line in opened[str(seq)].splitlines())
    elif sealed_to:
        yield f"    details are sealed to {', '.join(sealed_to)}"


def _word(each: FindingWordView) -> str:
    who = each.party if each.transcribed is None else f"{each.transcribed.reporter}, by {each.party}"
    outcome = f": {each.outcome}" if each.outcome else ""
    words = f": {each.text}" if each.text else ""
    return f"{wording.minute(each.at_ms)} {who} {each.says}{outcome}{words} (entry {each.seq})"


COLUMNS = ("finding", "release", "level", "kind", "by", "state", "owed", "what")
NONE = "No finding: sluicegate finding report RELEASE --kind KIND --level LEVEL --text TEXT --key KEY"
listed = listing(acts.LIST, Columns(COLUMNS, _findings, NONE))
