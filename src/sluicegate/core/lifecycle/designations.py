"""Designations: an agency's judgement of a model's class, what follows from it, and its reconsideration.

Rules:
- The judgement is the agency's. Nothing here says whether a model is of a class.
- A judgement puts the terms of its level in force at once, and its end the plan's own again. The open cases
  that the terms in force do not answer any more end with it, as by a plan that changes them.
- The developer may ask once that a judgement be reconsidered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sluicegate.acts.changes import PlanChange
from sluicegate.acts.designations import (
    DesignationArgument,
    DesignationReceipt,
    DesignationToSign,
    DesignationView,
    RaisedStage,
    ReconsiderationCase,
)
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal, SignedCommand
from sluicegate.core.lifecycle.changes import changes
from sluicegate.core.lifecycle.keys import other_log, signer_for
from sluicegate.core.lifecycle.releases import ended_with, release_unknown
from sluicegate.core.lifecycle.resting import resting_on
from sluicegate.core.lifecycle.state import State
from sluicegate.core.terms import requirement_phrases
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.designation import Designation, after, key_of
from sluicegate_record.entities.release import Release
from sluicegate_record.entries import Draft
from sluicegate_record.entries.cases import CaseDetermined, CaseOpened
from sluicegate_record.entries.designations import DesignationEnded, DesignationRecorded
from sluicegate_record.form import replace
from sluicegate_record.law.designations import deciding
from sluicegate_record.law.requirements import facts_of
from sluicegate_record.log import leaf
from sluicegate_record.log.leaf import Entropy, Opening
from sluicegate_record.record import Judging
from sluicegate_record.statements.designations import DESIGNATES, WITHDRAWS, DesignationStatement
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import kinds
from sluicegate_record.terms.plan import Plan, Stage
from sluicegate_record.terms.scrutiny import CLASSES, COMPARABLE


@dataclass(frozen=True, slots=True)
class RecordDesignation(SignedCommand):
    """Put an agency's signed judgement on the record.

    `basis` opens the commitment to a sealed basis; None without one, or if its agency keeps it.
    """

    basis: Opening | None = None


@dataclass(frozen=True, slots=True)
class Reconsider(Command):
    """Ask that a designation end. `text` says why, and is sealed."""

    release: str
    designation: str
    text: str


class Outcome(NamedTuple):
    """What follows from a judgement, or from a result that is compared: the levels that hold, the terms that
    they raise, the cases that end.
    """

    levels: tuple[str, ...]
    raised: Mapping[str, str]
    after: Release
    superseded: tuple[str, ...]


def record_designation(
    state: State, command: RecordDesignation, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RecordDesignation`. The newest word again changes nothing."""
    said = DesignationStatement.read(command.envelope)
    key = signer_for(state, command.envelope, said.agency)
    if isinstance(key, Refusal):
        return key
    digest, release = command.envelope.digest, state.releases.get(said.release)
    if release is None:
        return release_unknown(said.release)
    known = newest(state, said)
    opened = None if command.basis is None else command.basis.commitment("sealed", "basis")
    body = DesignationRecorded(
        release=said.release,
        agency=said.agency,
        owner=key.owner,
        says=said.says,
        model=said.model,
        class_=said.class_,
        comparable_to=said.comparable_to,
        statement=said.statement,
        sealed_basis=said.sealed,
        digest=digest,
        envelope=command.envelope,
        basis=command.basis,
    )
    word = after(known, body, state.size, now_ms)
    if known is not None and known.digest == digest:
        return Acceptance([], _receipt(word, state.record.levels(release.name, release.stated), ()))
    refusal = _unsigned(state, release, said, known) or _unfit(release.stated, word, known)
    if refusal is None and opened not in {None, said.sealed}:
        text = "what was sent as the sealed basis is not what the statement commits to"
        refusal = Refusal("unverified", "basis_unproven", text, "send what was signed, unchanged")
    if refusal is not None:
        return refusal
    found = outcome(state, release, word)
    draft = Draft.of(release.name, replace(body, raised=found.raised), entropy)
    return Acceptance([*ending(found), draft], _receipt(word, found.levels, found.superseded))


def newest(state: State, said: DesignationStatement | Designation) -> Designation | None:
    """The newest word of the same agency on the same model and class."""
    name = key_of(said.release, said.agency, said.model, said.class_, said.comparable_to)
    return state.record.designations.get(name)


def outcome(state: State, release: Release, word: Designation) -> Outcome:
    """What follows if a word takes the place of the one before it."""
    found = following(state, release, word)
    known = newest(state, word)
    case = None if known is None or known.digest == word.digest else state.cases.get(known.case or "")
    asked = [case.id] if case is not None and case.state != kinds.DETERMINED else []
    return found._replace(superseded=(*asked, *found.superseded))


def following(state: State, release: Release, changed: Judging) -> Outcome:
    """What follows for the terms in force if a word or a result takes its place on the record."""
    plan = release.stated
    levels = state.record.levels(release.name, plan, changed)
    raised = state.record.raised(release.name, plan, changed)
    then = release.under(levels, raised)
    gone = [draft.stream for draft in ended_with(state, then)] if then.terms != release.terms else []
    return Outcome(levels, raised, then, tuple(gone))


def ending(found: Outcome) -> list[Draft]:
    """The entries that end the cases that a judgement ends."""
    return [Draft(name, CaseDetermined(case=name, outcome="superseded")) for name in found.superseded]


def _unsigned(
    state: State, release: Release, said: DesignationStatement, known: Designation | None
) -> Refusal | None:
    """Why what was signed is about another log, other terms, or another word before it; None if it is not."""
    if said.log != state.log:
        return other_log()
    if dict(said.terms) != release.own_terms:
        text = "it was signed over other terms than those in force"
        return Refusal("conflict", "terms_changed", text, "sign it again")
    if said.previous != (None if known is None else known.digest):
        text = "the statement does not follow the newest one of its agency on this model and class"
        return Refusal("conflict", "designation_stale", text, "sign it again")
    return None


def _unfit(plan: Plan, word: Designation, known: Designation | None) -> Refusal | None:
    """Why an agency may not say this; None if it may."""
    if word.says == WITHDRAWS:
        return None if known is not None and known.holds else _nothing_holds(word)
    stated = plan.spec.designations
    if stated is None or word.agency not in stated.by:
        names = "no agency" if stated is None else ", ".join(stated.by)
        text = f"{word.agency!r} may not designate: the terms of {word.release!r} name {names}"
        remedy = "a plan says who may, in designations.by"
        return Refusal("forbidden", "not_to_designate", text, remedy)
    if word.class_ not in stated.classes:
        text = f"the terms of {word.release!r} have no class {word.class_!r}"
        return Refusal("conflict", "class_unknown", text, f"one of {', '.join(sorted(stated.classes))}")
    return None if word.counts(plan) else model_unknown(plan, word.model)


def _nothing_holds(word: Designation) -> Refusal:
    text = f"{word.agency} has no designation of this class that holds"
    return Refusal("conflict", "not_designated", text, "'sluicegate status' shows which designations hold")


def model_unknown(plan: Plan, model: str) -> Refusal:
    """The refusal of a model that the release does not have."""
    known = ", ".join(each.id for each in plan.spec.models)
    return Refusal("unknown", "model_unknown", f"no model {model[:80]!r} of this release", f"one of {known}")


def _receipt(word: Designation, levels: tuple[str, ...], superseded: tuple[str, ...]) -> DesignationReceipt:
    return DesignationReceipt(
        designation=word.digest,
        release=word.release,
        agency=word.agency,
        says=word.says,
        model=word.model,
        class_=word.class_,
        comparable_to=word.comparable_to,
        scrutiny=levels,
        superseded=superseded,
    )


# The case that reconsiders a designation


def reconsider(state: State, command: Reconsider, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `Reconsider`. A case that is open already is the answer to the same request again."""
    release, found = state.releases.get(command.release), state.record.designated(command.designation)
    if release is None:
        return release_unknown(command.release)
    if found is None or found.release != release.name or not found.holds:
        text = f"no designation {command.designation[:80]!r} of {release.name!r} that holds"
        return Refusal(
            "unknown", "designation_unknown", text, "'sluicegate status' shows which designations hold"
        )
    before = state.cases.get(found.case or "")
    if before is not None and before.state != kinds.DETERMINED:
        return Acceptance([], _asked(before.id, found))
    if before is not None and before.outcome not in kinds.UNHEARD:
        text = f"it was reconsidered in the case {before.id!r}: {before.outcome}"
        return Refusal("conflict", "reconsidered_already", text, "its agency can withdraw it at any time")
    case = entropy.name("case")
    question = Question(
        log=state.log, case=case, kind=kinds.RECONSIDER, release=release.name, designation=found.digest
    )
    body = CaseOpened(
        case=case,
        kind=kinds.RECONSIDER,
        question=question,
        rule=deciding(release.stated, found),
        release=release.name,
        sealed_parts={"appeal": leaf.opening(command.text, entropy)},
    )
    return Acceptance([Draft.of(case, body, entropy)], _asked(case, found))


def _asked(case: str, found: Designation) -> ReconsiderationCase:
    return ReconsiderationCase(case=case, release=found.release, designation=found.digest)


def ended(state: State, case: Case, now_ms: int) -> Iterator[Draft]:
    """The entries by which a case ends a designation."""
    release = state.releases[case.question.release]
    known = state.record.designated(case.question.designation)
    assert known is not None
    found = outcome(state, release, replace(known, ended_ms=now_ms))
    yield from ending(found)
    body = DesignationEnded(release=release.name, designation=known.digest, case=case.id, raised=found.raised)
    yield Draft(release.name, resting_on(body, case))


# What is shown


def to_sign(
    state: State, asked: DesignationArgument, agency: str, now_ms: int
) -> DesignationToSign | Refusal:
    """What an agency signs, and what would follow from it."""
    release = state.releases[asked.release]
    plan = release.stated
    model = _model(plan, asked)
    if isinstance(model, Refusal):
        return model
    word = _tried(asked, agency, model[1], now_ms)
    if isinstance(word, Refusal):
        return word
    known = newest(state, word)
    refusal = _unfit(plan, word, known)
    if refusal is not None:
        return refusal
    found = outcome(state, release, word)
    return DesignationToSign(
        log=state.log,
        release=release.name,
        agency=agency,
        says=word.says,
        model=word.model,
        model_id=model[0],
        class_=word.class_,
        comparable_to=word.comparable_to,
        terms=release.own_terms,
        previous=None if known is None else known.digest,
        scrutiny=found.levels,
        stages=tuple(_stages(state, release, found.after, now_ms)),
        superseded=found.superseded,
    )


def _tried(asked: DesignationArgument, agency: str, model: str, now_ms: int) -> Designation | Refusal:
    """The judgement that is asked about, as if it were on the record."""
    if asked.says not in {DESIGNATES, WITHDRAWS}:
        text = f"no word {asked.says[:80]!r}"
        return Refusal("unknown", "word_unknown", text, f"{DESIGNATES} or {WITHDRAWS}")
    if asked.class_ not in CLASSES:
        text = f"no class {asked.class_[:80]!r}"
        return Refusal("unknown", "class_unknown", text, f"one of {', '.join(CLASSES)}")
    if (asked.comparable_to is not None) != (asked.class_ == COMPARABLE):
        text = f"the class {COMPARABLE} names the model that it is comparable to, and no other class does"
        remedy = f"--model names it, with --class {COMPARABLE}"
        return Refusal("conflict", "class_incomplete", text, remedy)
    return Designation(
        release=asked.release,
        agency=agency,
        model=model,
        class_=asked.class_,
        comparable_to=asked.comparable_to,
        says=asked.says,
        statement="",
        sealed=False,
        digest="",
        seq=0,
        at_ms=now_ms,
        since_ms=now_ms,
    )


def _model(plan: Plan, asked: DesignationArgument) -> tuple[str, str] | Refusal:
    """The model of the release that is meant: its id, and the digest of its weights."""
    models = {each.id: each.digest for each in plan.spec.models}
    if asked.model is not None:
        found = models.get(asked.model)
        return model_unknown(plan, asked.model) if found is None else (asked.model, found)
    if len(models) > 1:
        text = f"the release has several models: {', '.join(models)}"
        return Refusal("conflict", "several_models", text, "say which one")
    return next(iter(models.items()))


def _stages(state: State, before: Release, then: Release, now_ms: int) -> Iterator[RaisedStage]:
    """What changes in the terms of each stage, and what those that are open would lack."""
    old = {each.field: each for each in changes(before.plan, then.plan)}
    for name, stage in then.plan.stages.items():
        if then.terms[name] == before.terms[name]:
            continue
        at = f"spec.stages[{name}]."
        lacks: tuple[str, ...] = ()
        if state.record.opened.get(before.terms[name]) is not None:
            facts = facts_of(state.record, before.name, name, now_ms)
            lacks = tuple(map(requirement_phrases.required, facts.unmet(stage)))
        changed = tuple(each for field, each in old.items() if field.startswith(at))
        rules = tuple(
            _rules(before.plan.stages[name], stage, [each.field.removeprefix(at) for each in changed])
        )
        yield RaisedStage(stage=name, terms=then.terms[name], changes=changed, rules=rules, lacks=lacks)


def _rules(before: Stage, then: Stage, fields: list[str]) -> Iterator[PlanChange]:
    """The rules of a stage that change, each with its place in the stage."""
    asked = next((found.group() for found in map(_AGREED.match, fields) if found), "")
    grants = before.admission.grant, then.admission.grant
    for place, old, new in (("admission.grant", *grants), (asked, before.agreed_by, then.agreed_by)):
        if old != new:
            of_old = None if old is None else old.to_json()
            yield PlanChange(field=place, before=of_old, after=None if new is None else new.to_json())


_AGREED = re.compile(r"opensWhen.*?\.agreedBy(?=\.)")
"""The place of the rule that agrees to an opening, in a field of a stage."""


def views(state: State, release: Release) -> Iterator[DesignationView]:
    """The designations of a release that hold, oldest first."""
    held = (
        each for each in state.record.designations.values() if each.release == release.name and each.holds
    )
    for found in sorted(held, key=lambda each: each.seq):
        yield view(release.stated, found)


def view(plan: Plan, found: Designation) -> DesignationView:
    """A designation, as it is shown under a plan of its release."""
    stated = plan.spec.designations
    leads = stated is not None and found.counts(plan)
    names = {each.digest: each.id for each in plan.spec.models}
    return DesignationView(
        designation=found.digest,
        agency=found.agency,
        model=names.get(found.model, found.model),
        class_=found.class_,
        comparable_to=found.comparable_to,
        statement=found.statement,
        sealed=found.sealed,
        scrutiny=stated.classes[found.class_].scrutiny if leads and stated is not None else None,
        since_ms=found.since_ms,
        at_ms=found.at_ms,
        seq=found.seq,
        case=found.case,
    )
