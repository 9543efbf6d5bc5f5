"""An exported case as its reviewer reads it: the question that is signed, and what was said so far."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from sluicegate.acts.cases import ContributionView, DossierView
from sluicegate.acts.review import ExportedCase
from sluicegate.cli import wording
from sluicegate.client import export as exports
from sluicegate.client import recusal as recusals
from sluicegate_record.directives.phrases import asked as in_words
from sluicegate_record.entities.discussion import Contribution
from sluicegate_record.entities.proceedings import CONSENT
from sluicegate_record.entries import Body, Entry, Hidden
from sluicegate_record.entries.cases import (
    CaseAnswered,
    CaseProceeded,
    CaseReferred,
    CaseReplied,
    CaseScreened,
    PositionRecorded,
)
from sluicegate_record.entries.releases import RecordAdded
from sluicegate_record.form import Json, Misread
from sluicegate_record.log.leaf import Opening
from sluicegate_record.terms import kinds, phrases
from sluicegate_record.terms.audience import EVALUATORS
from sluicegate_record.terms.phrases import plain
from sluicegate_record.terms.plan import Plan, Stage
from sluicegate_record.terms.programmes import Programme
from sluicegate_record.terms.rule import Rule
from sluicegate_record.terms.text import counted
from sluicegate_record.terms.text import shown as spelled


def question(case: ExportedCase, agency: str = "") -> str:
    """What a reviewer signs, and what was said before. `client.export` checked all of it.

    `agency` is the reviewer's: what was said since it last signed is shown apart.
    """
    asked = case.question
    bound = asked.to_json()
    lines = [f"{asked.kind} case {asked.case}: {in_words(kinds.KINDS[asked.kind].asks, asked.scope)}"]
    shown = ("release", "stage", "surface", "grant", "member", "renew", "reasonCode", "against", "directive",
             "designation")  # fmt: skip
    lines += [f"  {name}: {bound[name]}" for name in (*shown, "terms", "document", "log") if name in bound]
    lines += _programmes(case)
    lines.append(f"  decided by: {phrases.rule(case.rule)}")
    lines += [*_about(case), *_heard(case, agency)]
    return "\n".join(lines)


def _programmes(case: ExportedCase) -> Iterator[str]:
    """The programmes that the grant would have, and what each asks."""
    stated = {} if case.terms is None else case.terms.spec.programmes
    for each in case.question.programmes:
        programme = stated.get(each.concern, {}).get(each.name, Programme())
        asks = f"; it asks {wording.asked(programme.asks)}" if programme.asks else ""
        yield f"  programme: {wording.held(each)}{asks}"


def _about(case: ExportedCase) -> Iterator[str]:
    """What the question is about: an applicant, the directive of a lift, or the terms of a stage."""
    if case.question.kind == kinds.LICENCE:
        yield from _applicant(case)
    if case.question.kind in {kinds.LIFT, kinds.LICENCE}:
        assert case.document is not None
        for name, value in case.document.to_json()["spec"].items():
            yield from spelled_out(name, worded(value))
        return
    assert case.terms is not None
    if case.question.kind == kinds.RECONSIDER:
        said = exports.designation_of(case)
        for name in ("agency", "says", "model", "class", "comparableTo", "statement"):
            yield from (f"  {name}: {plain(value)}" for key, value in said.to_json().items() if key == name)
        return
    stage = stage_of(case, case.terms)
    if case.question.party:
        yield from _applicant(case, stage.eligibility.criteria)
        yield from _asked_of(stage)
        return
    yield from _terms(case, case.terms, stage)


def _terms(case: ExportedCase, terms: Plan, stage: Stage) -> Iterator[str]:
    """What the terms of a stage bind: of the release, and of the stage itself."""
    spec = terms.to_json()["spec"]
    bound = _BOUND if stage.audience.kind == EVALUATORS else _BOUND - {"evaluators"}
    for name, value in spec.items():
        if name in bound:
            yield from spelled_out(name, worded(value))
    yield f"  {wording.directed(_directs(terms, stage))}"
    if terms.spec.closers:
        yield f"  findings of others are closed by a retest of {', '.join(sorted(terms.spec.closers))}"
    stated = {name: value for name, value in stage.to_json().items() if name != "name"}
    if stage.audience.is_listed:
        del stated["audience"]
        yield f"  admitted by your agreement, {counted(len(case.listed), 'organization')}:"
        yield from (f"    {plain(each.application['organization']['name'])}" for each in case.listed)
    for name, value in stated.items():
        yield from spelled_out(name, worded(value))


_BOUND = frozenset(
    {"models", "surfaces", "leaseMs", "referrals", "designations", "scrutiny", "programmes", "evaluations"}
) | {"evaluators", "findings", "deployments"}
"""What the terms of each stage bind of a release, beside its agencies."""


def _applicant(case: ExportedCase, asked: Sequence[str] = ()) -> Iterator[str]:
    """The dossier that is decided on, and what the stage asks of applicants in words."""
    assert case.dossier is not None
    return (f"  {each}" for each in wording.dossier(DossierView.of(case.dossier.application, asked)))


def _directs(terms: Plan, stage: Stage) -> dict[str, tuple[str, ...]]:
    """The models that agencies direct, as far as the terms of a stage bind it."""
    own = tuple(model.id for model in terms.spec.models)
    directs = terms.spec.directs
    return {name: directs.get(name, own) for name in sorted(stage.agencies.union(directs))}


def recusal(case: ExportedCase, agency: str) -> Iterator[str]:
    """What follows for a case if an agency recuses itself."""
    bodies = (each.body for each in exports.discussion(case))
    said = {each.agency: each.position for each in bodies if isinstance(each, PositionRecorded)}
    return (f"  {each}" for each in recusals.recusal(_joined(case), said, agency))


def _joined(case: ExportedCase) -> Rule:
    """The rule of a case, with the agencies that joined it because the case was referred to them."""
    bodies = (each.body for each in exports.discussion(case))
    binding = [each.to for each in bodies if isinstance(each, CaseReferred) and each.binds]
    return Rule("allOf", (case.rule, *sorted(binding))) if binding else case.rule


def _heard(case: ExportedCase, agency: str) -> Iterator[str]:
    """What was said in a case so far, with what came after the last position of the reviewer's agency."""
    said = exports.discussion(case)
    lines = [f"    {_contribution(each.body)}{_uncounted(said, i)}" for i, each in enumerate(said)]
    own = _newest(said, agency)
    seen = len(said) if own is None else _seen(said, own)
    since = [line for i, line in enumerate(lines) if i >= seen and i != own]
    known = [line for i, line in enumerate(lines) if i < seen or i == own]
    opener = "the developer" if case.question.kind == kinds.RECONSIDER else "the applicant"
    known[:0] = [f"    {opener}: {spelled(each.text)}" for each in case.case.answers if each.what in _OPENED]
    if known:
        yield from ("  what has been said so far; your position names it by its digest:", *known)
    if own is not None:
        yield from ("  since you last looked, to sign your last position:", *(since or ["    nothing"]))


def _newest(said: Sequence[Entry], agency: str) -> int | None:
    """The place of an agency's newest position in what was said."""
    bodies = ((i, each.body) for i, each in enumerate(said))
    own = (i for i, body in bodies if isinstance(body, PositionRecorded) and body.agency == agency)
    return max(own, default=None)


def _seen(said: Sequence[Entry], place: int) -> int:
    """How much of what was said the signer of a position knew: what it tells, or else all before it."""
    body = said[place].body
    assert isinstance(body, PositionRecorded)
    return place if body.said is None else body.said.count


def _uncounted(said: Sequence[Entry], place: int) -> str:
    """Why the newest position of an agency does not count; empty if it does."""
    body = said[place].body
    if not isinstance(body, PositionRecorded) or body.position not in CONSENT:
        return ""
    if place != _newest(said, body.agency):
        return ""
    unheard = map(Contribution.of, said[_seen(said, place) : place])
    why = wording.because(
        [ContributionView(seq=each.seq, who=each.who, what=each.what, weighs=each.weighs) for each in unheard]
    )
    return f" (it does not count{why})" if why else ""


_OPENED = frozenset({"appeal", "notice"})
"""What was said when a case was opened. A position does not name it."""


def _contribution(said: Body) -> str:  # noqa: PLR0911 - one a kind of entry
    """What someone said in a case, on one line."""
    match said:
        case PositionRecorded():
            on = f" on {json.dumps(said.conditions.to_json())}" if said.conditions else ""
            why = said.reason or _sealed(said.secret)
            about = f" ({said.concern})" if said.concern else ""
            about += " (outside this gate's concern: it does not count)" if said.outside else ""
            return f"{said.agency}: {said.position}{about}{on}" + (f", because: {why}" if why else "")
        case CaseAnswered():
            return f"the applicant answers {said.agency}: {spelled(_sealed(said.answer))}"
        case CaseReplied():
            return f"the applicant replies: {spelled(_sealed(said.reply))}"
        case CaseScreened():
            listed = f"{said.name} {said.version}"
            return f"{said.owner} screened it with {listed}: {said.decision}: {said.reason}"
        case CaseProceeded():
            return f"{' and '.join(said.owners)} proceed: {said.reason}"
        case CaseReferred():
            joins = ", which joins those who decide" if said.binds else ""
            return f"{said.agency} refers it to {said.to}{joins}, because: {said.reason}"
        case RecordAdded():
            return f"{said.party}, {said.kind} of {said.on}: {said.text}"
        case _:
            raise AssertionError(said)


def _sealed(part: Opening | Hidden | None) -> str:
    """A text that is not public, as far as its reader got it."""
    return str(part.value()) if isinstance(part, Opening) else "not shown to you" if part else ""


def _asked_of(stage: Stage) -> list[str]:
    """What the stage asks of applicants beside its criteria, and the conditions that a grant would have."""
    eligibility, conditions = stage.eligibility.to_json(), stage.conditions.to_json()
    asked = {name: value for name, value in eligibility.items() if name != "criteria"}
    lines = [f"  asked of applicants, {name}: {plain(value)}" for name, value in asked.items()]
    return lines + [f"  condition {name}: {plain(value)}" for name, value in conditions.items()]


def spelled_out(name: str, value: Json, depth: int = 1) -> Iterator[str]:
    """A field of what is signed, line by line; what is in it is indented."""
    begin = f"{'  ' * depth}{_CAMEL.sub(' ', name).lower()}:"
    if isinstance(value, Mapping) and value:
        yield begin
        for inner, each in value.items():
            yield from spelled_out(inner, each, depth + 1)
    elif isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value):
        for number, each in enumerate(value, 1):
            yield from spelled_out(f"{name} {number}", each, depth)
    elif isinstance(value, list):
        yield f"{begin} {', '.join(spelled(plain(each)) for each in value) or 'nothing'}"
    else:
        yield f"{begin} {spelled(plain(value))}"


_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def worded(value: Json) -> Json:
    """A value with each rule in it in words, such as `oncd and ostp`."""
    with suppress(Misread):
        return phrases.rule(Rule.from_json(value))
    if isinstance(value, Mapping):
        return {name: worded(each) for name, each in value.items()}
    return [worded(each) for each in value] if isinstance(value, list) else value


def stage_of(case: ExportedCase, terms: Plan) -> Stage:
    """The stage that a case is about, by the terms exported with it."""
    return terms.stages[case.question.stage]
