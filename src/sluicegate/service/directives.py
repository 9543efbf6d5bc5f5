"""Directives: preview, issue, confirm, lift; and how many of an applicant's own people they cover.

Rules:
- A name in the directive itself must be known here, so that a typing error does not leave out the one who is
  meant. An annex may name strangers, who are covered or excepted as soon as they come.
- Names become tags and pseudonyms here, and only here: entries have no names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from sluicegate.acts import directives as acts
from sluicegate.acts.act import Nothing
from sluicegate.acts.directives import (
    AcceptedDirective,
    ConfirmedDirective,
    Definitions,
    DefinitionView,
    DirectiveArgument,
    DirectiveFilter,
    Directives,
    DirectiveStatus,
    DirectiveSummary,
    DirectiveView,
    KnownDefinition,
    LiftCase,
    LiftPart,
    LiftRequest,
    LiftView,
    Meaning,
    Remark,
    SignedDirective,
)
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.review import CaseToSign, ExportedNames
from sluicegate.bounds import MARKS_MAX
from sluicegate.core.directives import cover
from sluicegate.core.directives.cover import Resolution
from sluicegate.core.lifecycle import Ahead, Refusal, State, directives, observations
from sluicegate.core.lifecycle.directives import LIFTED, AddDefinition, Confirm, IssueDirective, OpenLift
from sluicegate.core.people import persons
from sluicegate.core.people.legal_names import names_of
from sluicegate.errors import InvalidInput
from sluicegate.service import access, casefile
from sluicegate.service.bearers import Bearers, Seen, described
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger
from sluicegate.service.paging import newest, page
from sluicegate_record import form as record_form
from sluicegate_record.directives import names
from sluicegate_record.directives.document import DirectiveSpec, Selection
from sluicegate_record.directives.scope import LiftedPart, Scope
from sluicegate_record.directives.status import STATUSES, UNKNOWN
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entries.cases import Description
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.terms.text import has_stack


@does(acts.ISSUE)
def issue(context: Context[AcceptedDirective], asked: SignedDirective) -> AcceptedDirective | Refusal:
    """Put a signed directive in force. Raises: BadEnvelope, InvalidInput."""
    ledger = context.ledger
    named = resolve(ledger, {name: each.value() for name, each in asked.opened.items()}, _seen(context))
    if isinstance(named, Refusal):
        return named
    envelope = Envelope.from_json(asked.envelope)
    command = IssueDirective(envelope, asked.opened, named.named, undescribed(ledger), ledger.directs)
    return context.execute(command)


@does(acts.CONFIRM)
def confirm(context: Context[ConfirmedDirective], asked: SignedStatement) -> ConfirmedDirective | Refusal:
    """Put on the record that the issuer of a transcription confirms it. Raises: BadEnvelope."""
    return context.execute(Confirm(Envelope.from_json(asked.envelope)))


@does(acts.LIFTING)
def lifting(context: Context[CaseToSign], asked: LiftPart) -> CaseToSign | Refusal:
    """What is signed to lift a directive, or a part of it: in the case that is open, or that would be."""
    ledger, command = context.ledger, _lift(context, asked)
    if isinstance(command, Refusal):
        return command
    opened = asked.opened
    scope = None if opened is None else ExportedNames(value=tuple(opened.value()), salt=opened.salt)
    with ledger.reading() as state:
        now_ms = ledger.now_ms()
        decided = directives.open_lift(state, command, now_ms, Entropy(ledger.random(32)))
        if isinstance(decided, Refusal):
            return decided
        assert isinstance(decided.result, LiftCase)
        ahead = Ahead.of(state, decided.drafts, now_ms)
        case = ahead.cases[decided.result.case]
        return CaseToSign(**casefile.to_sign(ledger, ahead, context.principal, case, scope))


@does(acts.LIFT)
def open_lift(context: Context[LiftCase], asked: LiftRequest) -> LiftCase | Refusal:
    """Open the case about lifting a directive, or a part of it. If it is open, it continues.

    A position may come with it: then both are done, or nothing. Raises: BadEnvelope.
    """
    command = _lift(context, asked)
    if isinstance(command, Refusal):
        return command
    envelope = None if asked.envelope is None else Envelope.from_json(asked.envelope)
    return context.execute(replace(command, case=asked.case or "", envelope=envelope))


def _seen(context: Context[Any]) -> Seen:
    """Whether who asks sees a case of one of some organizations."""
    return partial(access.sees_any, context.principal)


def _lift(context: Context[Any], asked: LiftPart) -> OpenLift | Refusal:
    opened = asked.opened
    given = {LIFTED: opened.value()} if opened is not None else {}
    named = resolve(context.ledger, given, _seen(context))
    if isinstance(named, Refusal):
        return named
    scope = asked.scope if asked.scope != Scope() else None
    return OpenLift(asked.directive, scope, opened, named.named.get("lift", cover.NOBODY))


@does(acts.DEFINE)
def define(context: Context[KnownDefinition], asked: Meaning) -> KnownDefinition | Refusal:
    """Say what the words of an order mean. Raises: InvalidInput."""
    statuses, known = frozenset(asked.statuses), set(STATUSES) - UNKNOWN
    if not statuses or not statuses <= known:
        listed = ", ".join(sorted(known))
        raise InvalidInput(f"the statuses {list(asked.statuses)!r}, expected some of {listed}")
    return context.execute(AddDefinition(asked.name, statuses, asked.source))


@does(acts.DEFINITIONS)
def definitions(context: Context[Definitions], _: Nothing) -> Definitions:
    """What definitions mean, and where that is written."""
    with context.ledger.reading() as state:
        found = {**persons.DEFINITIONS, **state.definitions}
    return Definitions(
        definitions=tuple(
            DefinitionView(definition=each.name, statuses=each.statuses, source=each.source)
            for _, each in sorted(found.items())
        )
    )


@does(acts.LIST)
def listed(context: Context[Directives], wanted: DirectiveFilter) -> Directives | Refusal:
    """The directives on the record, newest first."""
    with context.ledger.reading() as state:
        known = state.directives
        if wanted.before is not None and wanted.before not in known:
            return directives.directive_unknown(wanted.before)
        found = (each for _, each in newest(known, wanted.before) if _in_force(each) or not wanted.in_force)
        shown, is_cut = page(found, wanted.limit)
        views = tuple(DirectiveSummary(**_summary(state, each)) for each in shown)
    return Directives(directives=views, next=views[-1].directive if is_cut else None)


@does(acts.SHOW)
def show(context: Context[DirectiveView], asked: DirectiveArgument) -> DirectiveView | Refusal:
    """What the public record says of a directive: who, what, why, since when, and what was added later."""
    with context.ledger.reading() as state:
        found = state.directives.get(asked.directive)
        if found is None:
            return directives.directive_unknown(asked.directive)
        summary, said = _summary(state, found), tuple(_said(state, found))
    return DirectiveView(**summary, document=found.document, said=said)


@does(acts.STATUS)
def status(context: Context[DirectiveStatus], asked: DirectiveArgument) -> DirectiveStatus | Refusal:
    """Where a directive is in force, and what observers saw of it."""
    found, ledger = context.services.fleet.directive_status(asked.directive), context.ledger
    if isinstance(found, Refusal):
        return found
    with ledger.reading() as state:
        issued, knows = (
            state.directives[asked.directive],
            access.known(context.principal, state, ledger.directs),
        )
        known = frozenset(name for name, release in state.releases.items() if knows(release))
        seen = observations.seen_of(state, issued, known)
        unseen = observations.unobserved(state, issued, known)
        return record_form.replace(found, observed=tuple(seen), unobserved=tuple(unseen))


def _in_force(found: Directive) -> bool:
    return found.ended is None and not found.is_drill


def _summary(state: State, found: Directive) -> dict[str, Any]:
    """The fields of a `DirectiveSummary`."""
    spec, ended = found.document.spec, found.ended
    return {
        "directive": found.name,
        "issuer": found.issuer,
        "transcribed": None,
        **state.whose(found.seq),
        "confirmed": found.confirmed if found.document.is_transcribed else None,
        "drill": found.is_drill,
        "in_force": _in_force(found),
        "ended": ended.how if ended is not None else None,
        "ended_at_ms": ended.at_ms if ended is not None else None,
        "issued_at_ms": found.at_ms,
        "effective_ms": spec.effective_ms,
        "expires_ms": spec.expires_ms,
        "action": spec.action,
        "models": spec.models,
        "surfaces": spec.surfaces,
        "covers": spec.covers,
        "except_": spec.except_,
        "basis": spec.basis,
        "reasons": spec.reasons,
        "lifted": tuple(_lifted(state, part) for part in found.parts),
        "lifted_by": spec.lifted_by,
        "lift_case": found.lift,
        "lift_transcribed_for": directives.lift_transcribed_for(state, found),
    }


def _lifted(state: State, part: LiftedPart) -> LiftView:
    case = state.cases.get(part.case)
    agencies = () if case is None else state.transcribed_for(case)
    return LiftView(
        case=part.case, scope=part.scope, at_ms=part.at_ms, seq=part.seq, transcribed_for=agencies
    )


def _said(state: State, found: Directive) -> Iterator[Remark]:
    """What was said of it and when, in order: the document's reasons, those before, and every note."""
    stated = [*((each.seq, each.document) for each in found.history), (found.seq, found.document)]
    for seq, document in stated:
        yield Remark(seq=seq, kind="document", reasons=document.spec.reasons)
    yield from map(Remark.from_json, state.remarks.get(found.name, ()))


class Resolved(NamedTuple):
    """What names come to, by `covers`, `except`, `lift` and an annex's name; and their bearers."""

    named: dict[str, Resolution]
    bearers: Bearers


def resolve(
    ledger: Ledger,
    given: Mapping[str, Any],
    shown: Seen,
    seen: Seen = lambda _, found: any(found),
    excepting: Collection[str] = (),
) -> Resolved | Refusal:
    """What names come to.

    `given` are the values of `Document.commitments`. One that a directive itself names must be known, and
    `seen`; the names nearest to it are those of who is `shown`. `excepting` are the
    lists of which an exception is made.
    Raises: InvalidInput: not lists of names.
    """
    stated = {name: _stated(name, value) for name, value in given.items()}
    bearers = bearers_of(ledger, given, excepting)  # before the state is held: 100,000 take seconds
    found: dict[str, Resolution] = {}
    with ledger.reading() as state:
        for name, value in stated.items():
            if value is None:
                continue
            named, part = _named(state, value, bearers), name.partition(".")[0]
            if name.startswith(names.ANNEX):
                found[name] = named
                continue
            unknown = _person_unknown(state, named)
            if unknown is not None:
                return unknown
            unseen = _unseen(state, named, (name, given[name]), bearers, seen)
            if unseen is not None:
                break
            found[part] = found.get(part, cover.NOBODY) | named
        else:
            return Resolved(found, bearers)
    return _organization_unknown(unseen, bearers.near_to(unseen, shown))


def bearers_of(ledger: Ledger, given: Mapping[str, Any], excepting: Collection[str] = ()) -> Bearers:
    """The bearers of the names in what opens a document's commitments. Raises: InvalidInput."""
    stated = ((name, _stated(name, value)) for name, value in given.items())
    return Bearers(ledger, {name: each.get("organizations", []) for name, each in stated if each}, excepting)


def excepting(spec: DirectiveSpec) -> frozenset[str]:
    """The lists of a directive of which it makes an exception, by the names of their openings."""
    if not isinstance(spec.except_, Selection):
        return frozenset()
    return frozenset({"except.organizations", *(names.ANNEX + each for each in spec.except_.annexes or ())})


def _stated(name: str, value: Any) -> dict[str, list[str]] | None:
    """The names that open a commitment; None where it is to no names."""
    kind = name.partition(".")[2]
    if name.startswith(names.ANNEX):
        return _checked(value)
    return _checked({kind: value}) if kind in {"organizations", "persons"} else None


def undescribed(ledger: Ledger) -> list[Description]:
    """The organizations that a log of an earlier build does not describe."""
    with ledger.reading() as state:
        lacking = sorted(state.undescribed)
    stored = ((name, ledger.store.principals.registered(name)) for name in lacking)
    files = (
        (name, {"name": found.name, "registeredIn": found.registered_in}) for name, found in stored if found
    )
    return [described(ledger, name, file) for name, file in files]


def _checked(value: Any) -> dict[str, list[str]]:
    try:
        checked = names.check(value)
    except ValueError as error:
        raise InvalidInput(str(error)) from error
    if any(has_stack(name, MARKS_MAX) for listed in checked.values() for name in listed):
        raise InvalidInput(f"a name with more than {MARKS_MAX} combining marks one after the other")
    return checked


def _named(state: State, value: dict[str, list[str]], bearers: Bearers) -> Resolution:
    ids, names = list[str](), list[str]()
    for name in (each for row in value.get("organizations", []) for each in names_of(row)):
        if _is_known(state, name):
            ids.append(name)
        else:
            names += bearers.tags(name)
            ids += (*bearers.without_tag(state, name), *bearers.identified(state, name))
    return Resolution(ids, names, value.get("persons", []))


def _is_known(state: State, organization: str) -> bool:
    """Whether a name is the id of an organization."""
    return organization in state.table.organizations or organization in state.undescribed


def _person_unknown(state: State, named: Resolution) -> Refusal | None:
    """The refusal if a directive names a person who is not known here."""
    for person in named.persons:
        if person not in state.table.people:
            said = f"no member {person[:80]!r}"
            return Refusal(
                "unknown", "person_unknown", said, "'sluicegate member list --grant GRANT' shows the members"
            )
    return None


def _unseen(
    state: State, named: Resolution, given: tuple[str, list[str]], bearers: Bearers, seen: Seen
) -> str | None:
    """The first organization that a directive names and that is not known here, or not seen."""
    part, listed = given
    excepts = not part.startswith("covers")
    for name in listed if not named.persons else ():
        if not seen(state, [name] if _is_known(state, name) else bearers.meant(state, name, excepts=excepts)):
            return name
    return None


def _organization_unknown(name: str, near: Sequence[str]) -> Refusal:
    """The refusal of a name that no organization here has; `near` are those that are nearly the same."""
    similar = f"similar names here: {'; '.join(near)}; " if near else ""
    remedy = f"{similar}give its legal name as applied, or use an annex"
    return Refusal("unknown", "organization_unknown", f"no organization {name[:80]!r}", remedy)
