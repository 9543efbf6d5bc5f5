"""What an instance shows of a case, compared with the log that the desk has verified itself.

Rules:
- What the log has is taken from the log. From the instance come only texts that open commitments in the log.
- What the instance says otherwise than the log is a `lie`. Then nothing that it shows is shown here, and
  nothing is signed.
- A text that the log commits to and that the instance does not show is a `gap`. Then no one consents here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sluicegate.acts.review import ExportedCase
from sluicegate.client import export as exports
from sluicegate.errors import VerificationFailed
from sluicegate_record import entries
from sluicegate_record.entities.case import Case
from sluicegate_record.entries import Entry, Hidden
from sluicegate_record.entries.cases import CaseAnswered, CaseOpened, CaseReplied, PositionRecorded
from sluicegate_record.form import Json
from sluicegate_record.record import Record
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.terms import kinds
from sluicegate_record.terms.plan import Plan
from sluicegate_record.terms.text import counted

TEXTS = frozenset({"appeal", "notice"})
"""The sealed texts in the entry that opens a case, which agencies may read."""


@dataclass(frozen=True, slots=True)
class ShownCase:
    """A case as the log has it, with what the instance has shown of it.

    `listed` are the dossiers of the organizations that terms name, `names` the organizations that a lift is
    about.
    """

    case: Case
    terms: Plan | None = None
    dossier: Json = None
    listed: tuple[Json, ...] = ()
    names: tuple[Json, ...] = ()
    lies: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def may_sign(self) -> bool:
        """Whether anything may be signed in it here."""
        return not self.lies

    @property
    def may_consent(self) -> bool:
        """Whether a yes may be signed in it here."""
        return not self.lies and not self.gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCase(ShownCase):
    """A case as the desk has read it: `opening` is the entry that opened it, `discussion` what was said in
    it, oldest first, as far as the instance has opened it.
    """

    opening: Entry
    discussion: tuple[Entry, ...] = ()


class OutOfStep(VerificationFailed):
    """The case and the copy of its log are of different moments: either has to be asked for again."""

    code = "out_of_step"


def compared(
    record: Record, case: Case, leaf: Callable[[int], bytes], shown: ExportedCase, had: int
) -> ReadCase:
    """A case, with what an instance shows of it. `leaf` gives the leaves of the log.

    `had` is how many contributions to it the log had when the instance was asked: it cannot show fewer.
    Raises: OutOfStep.
    """
    opening = entries.read(leaf(case.seq))
    lies = tuple(_lies(record, case, leaf, shown, had))
    if lies:
        return ReadCase(case, opening=opening, lies=lies)
    if shown.opening is not None:
        opening = entries.read(leaf(case.seq), sealed=shown.opening.opened)
    discussion = tuple(exports.discussion(shown))
    return ReadCase(
        case,
        opening=opening,
        discussion=discussion,
        terms=shown.terms,
        dossier=None if shown.dossier is None else shown.dossier.application,
        listed=tuple(each.application for each in shown.listed),
        names=() if shown.scope is None else shown.scope.value,
        gaps=tuple(_gaps([opening, *discussion])),
    )


def _lies(
    record: Record, case: Case, leaf: Callable[[int], bytes], shown: ExportedCase, had: int
) -> Iterator[str]:
    """What an instance shows otherwise than its log has it. Raises: OutOfStep."""
    if shown.question.case != case.id:
        yield f"it shows the case {shown.question.case[:80]!r} in the place of this one"
        return
    if shown.question.digest != case.question.digest:
        yield "it shows another question than the one in the log"
        return
    yield from _said_otherwise(case, shown.said or Discussion.of(()), had)
    if shown.rule != case.rule:
        yield "it shows another rule than the one in the log"
    if dict(shown.previous) != {party: said.digest for party, said in case.positions.items()}:
        yield "it shows other positions than those in the log"
    against = record.cases[case.question.against].kind if case.kind == kinds.APPEAL else None
    if shown.against != against:
        yield "it shows an appeal against something else than the log has"
    if shown.opening is not None and shown.opening.leaf != leaf(case.seq):
        yield "it shows another entry than the one that opened the case"
    try:
        exports.checked(shown)
        if shown.opening is not None:
            entries.read(shown.opening.leaf, sealed=shown.opening.opened)
    except VerificationFailed as error:
        yield error.message


def _said_otherwise(case: Case, said: Discussion, had: int) -> Iterator[str]:
    """How what an instance shows as said in a case differs from the log. Raises: OutOfStep."""
    known = len(case.discussion)
    if said.count > known:
        raise OutOfStep(f"{said.count} contributions are shown, and the log that was read has {known}")
    if said != case.discussed(said.count):
        yield "it shows something else as said in the case than the log has"
    elif said.count < had:
        lacking = counted(had - said.count, "contribution")
        yield f"it shows the case as it was earlier, and leaves out {lacking} that the log has"
    elif said.count < known:
        raise OutOfStep(f"{said.count} contributions are shown, and the log has {known} by now")


def _gaps(read: list[Entry]) -> Iterator[str]:
    """What the log commits to, and the instance does not show."""
    for each in read:
        body = each.body
        hidden = [name for name, text in _texts(body) if isinstance(text, Hidden)]
        yield from (f"the {name} in entry {each.seq}" for name in hidden)


def _texts(body: object) -> Iterator[tuple[str, object]]:
    """The texts in an entry that an agency may read, with what each is."""
    if isinstance(body, CaseAnswered):
        yield "answer of the applicant", body.answer
    elif isinstance(body, CaseReplied):
        yield "reply of the applicant", body.reply
    elif isinstance(body, PositionRecorded):
        yield f"reason of {body.agency}", body.secret
    elif isinstance(body, CaseOpened):
        yield from ((name, each) for name, each in body.sealed_parts.items() if name in TEXTS)
