"""Pages of an officer: every directive, how one comes into force everywhere, and a new order."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from sluicegate.acts import cases, directives, drills, licences, releases
from sluicegate.acts.act import DEVELOPER, AskAct, Nothing
from sluicegate.acts.cases import CaseFilter, CaseSummary
from sluicegate.acts.directives import (
    DirectiveArgument,
    DirectiveFilter,
    DirectivePreview,
    Directives,
    DirectiveSummary,
    DirectiveView,
)
from sluicegate.acts.licences import LicenceFilter
from sluicegate.acts.releases import Status
from sluicegate.core.directives.directive import NAME_MAX
from sluicegate.errors import InvalidInput
from sluicegate.pages import convergence, forms
from sluicegate.pages.forms import ActForm, FormFault
from sluicegate.pages.page import Filled, FormLook, ShowForm, SitePage, View
from sluicegate.pages.words import faulty_lines
from sluicegate.statements import directives as orders
from sluicegate.statements.words import capital
from sluicegate_record.directives.received import Arrival
from sluicegate_record.directives.scope import Scope
from sluicegate_record.form import Json
from sluicegate_record.log import canonical
from sluicegate_record.terms import kinds

STAFF = frozenset({DEVELOPER})
HERE, ORDER = "/directives", "/order"
LETTER = "_letter"
"""The field of the letter's text, which is beside the order and goes nowhere."""
LICENCES_SHOWN = 100
_AGAIN = "-again"
"""The record never frees a name."""


class LiftForm(NamedTuple):
    """A part of a directive that can be lifted: in words, and the form that opens the case about it."""

    words: str
    form: ActForm


def _directives(view: View[DirectiveFilter, Directives]) -> Filled:
    """A page of directives. The first has all those in force, however old."""
    found = {each.directive: each for each in view.found.directives}
    if view.found.next is not None and view.asked.before is None:
        in_force = view.ask(directives.LIST, DirectiveFilter(in_force=True)).directives
        found |= {each.directive: each for each in in_force}
    shown = sorted(found.values(), key=lambda each: (not each.in_force, -each.issued_at_ms))
    return Filled("directives.html", {"directives": shown, "more": view.found.next})


def _directive(view: View[DirectiveArgument, DirectiveView]) -> Filled:
    found, name = view.found, view.asked.directive
    status = view.ask(directives.STATUS, view.asked)
    under = view.ask(licences.LIST, LicenceFilter(directive=name, limit=LICENCES_SHOWN)).licences
    is_over = found.ended_at_ms is not None
    values = {
        "directive": found,
        "status": status,
        "curve": convergence.curve(found.issued_at_ms, status),
        "names": view.ask(directives.NAMES, view.asked),
        "licences": [(each, _end(each.licence, name)) for each in under],
        "lifts": () if is_over or found.drill else tuple(_not_lifted(found)),
        "asking": () if is_over else _asking(view, name),
        "licensing": found.document.spec.licensing,
        "drill": "" if is_over or found.drill else _as_order(found),
        "beside": {f"_{name}": each for name, each in _arrived(found).items()},
        "end_drill": _end_drill(name) if found.drill and not is_over else None,
        "is_over": is_over,
        "is_live": not is_over and (status.entry is None or not status.in_force),
    }
    return Filled("directive.html", values)


def _asking(view: View[Any, Any], name: str) -> Sequence[CaseSummary]:
    """The open cases that ask for an exception from a directive."""
    wanted = CaseFilter(kind=kinds.LICENCE, state=cases.OPEN, directive=name, limit=LICENCES_SHOWN)
    return view.ask(cases.LIST, wanted).cases


def _as_order(found: DirectiveView) -> str:
    """A directive as an order to write again, by another name; empty if its names are only committed to."""
    again = found.directive[: NAME_MAX - len(_AGAIN)] + _AGAIN
    written = {**found.document.to_json(), "metadata": {"name": again}}
    text = json.dumps(written, ensure_ascii=False, indent=2)
    return "" if '"commitment"' in text else text


def _arrived(found: DirectiveView) -> dict[str, Json]:
    """How a directive arrived that officers wrote down, by the fields of the form; empty if none did."""
    return found.transcribed.to_json() if isinstance(found.transcribed, Arrival) else {}


def _end(licence: str, directive: str) -> ActForm:
    then = f"{HERE}/{directive}"
    return forms.form(licences.END, hidden={"licence": licence}, submit="End it at once", then=then)


def _end_drill(name: str) -> ActForm:
    return forms.form(drills.END, hidden={"drill": name}, submit="End the drill", then=f"{HERE}/{name}")


def _not_lifted(found: DirectiveView) -> Iterator[LiftForm]:
    """What of a directive can still be lifted."""
    for words, part in _lifts(found):
        if not any(each.scope.includes(part) for each in found.lifted):
            yield _lift(found, words, part)


def _lifts(found: DirectiveSummary) -> Iterator[tuple[str, Scope]]:
    """What of a directive can be lifted: all of it, or one model, surface or annex."""
    yield "All of it", Scope()
    if len(found.models) > 1:
        yield from ((f"Only for {each}", Scope(models=(each,))) for each in found.models)
    if isinstance(found.surfaces, tuple) and len(found.surfaces) > 1:
        yield from ((f"Only on {each}", Scope(surfaces=(each,))) for each in found.surfaces)
    annexes: Sequence[str] = getattr(found.covers, "annexes", None) or ()
    yield from ((f"Only for the names in {each}", Scope(annexes=(each,))) for each in annexes)


def _lift(found: DirectiveSummary, words: str, scope: Scope) -> LiftForm:
    name = found.directive
    hidden = {"directive": name, "scope": canonical.dumps(scope.to_json()).decode()}
    made = forms.form(directives.LIFT, hidden=hidden, only=(), submit="Open the case", then=f"{HERE}/{name}")
    return LiftForm(words, made)


def _order(view: View[Nothing, Status]) -> Filled:
    known = view.ask(directives.LIST, DirectiveFilter()).directives
    return _written(view.ask, {"text": _example(view.found, {each.directive for each in known})})


def _example(found: Status, known: Container[str]) -> str:
    """An order to begin with: about the first model here, by a name that is not known yet."""
    models = [each for release in found.releases for each in release.models]
    agencies = [each for release in found.releases for stage in release.stages for each in stage.agencies]
    issuer, model = next(iter(agencies), "agency"), next(iter(models), "model")
    name = next(each for each in (f"{issuer}-order-{number}" for number in count(1)) if each not in known)
    return (
        f"apiVersion: sluicegate/v1\nkind: Directive\nmetadata: {{name: {name}}}\nspec:\n"
        f"  issuer: {issuer}\n"
        '  basis: {kind: order, authority: "the letter of DATE"}\n'
        f"  action: suspend\n  models: [{model}]\n  surfaces: all\n  covers: everyone\n"
        '  # except: {organizations: ["Example Utility"]}\n'
        "  # a list of names beside the letter, instead of everyone:\n"
        "  # covers: {annexes: [annex-a]}\n"
        '  # annexes: {annex-a: {file: list.csv, digest: "sha256:…"}}\n'
        "  reasons: {form: none}\n"
    )


def _previewed(look: FormLook) -> Filled:
    """The page again, with who the order would cover, or with what is wrong in it."""
    if isinstance(look.answer, DirectivePreview):
        compared = tuple(_compared(look.answer, look.given.get(forms.TAKEN, "")[:71]))
        return _written(look.ask, look.given, preview=look.answer, compared=compared)
    return _written(look.ask, look.given, look.fault)


def _compared(preview: DirectivePreview, taken: str) -> Iterator[str]:
    """What is said of the digests that an order states for its annexes."""
    given: Any = preview.document
    try:
        stated = orders.not_compared(given, taken)
    except InvalidInput as differs:
        yield f"{capital(forms.wrong_at(differs.at[0]))}. To sign it, {differs.remedy}."
        return
    yield from orders.said_not_compared(stated)
    if given["spec"].get("annexes") and not stated:
        yield f"The names were taken from the file that the order states, with the digest {taken}."


def _written(ask: AskAct, given: Mapping[str, str], fault: FormFault | None = None, **shown: Any) -> Filled:
    form = forms.form(directives.PREVIEW, given, submit="Show who it covers", fault=fault)
    usual = {"preview": None, "fault": form.fault, "lines": faulty_lines(given.get("text", ""), form.fault)}
    usual |= {"compared": ()}
    values = {"form": form, "letter": given.get(LETTER, ""), "given": given}
    values |= {"definitions": ask(directives.DEFINITIONS, Nothing()).definitions}
    return Filled("order.html", {**usual, **values, **shown}, is_written=True)


PAGES: tuple[SitePage[Any, Any], ...] = (
    SitePage(HERE, directives.LIST, _directives, roles=STAFF, asks=2),
    SitePage(f"{HERE}/{{directive}}", directives.SHOW, _directive, roles=STAFF, asks=5),
    SitePage(ORDER, releases.STATUS, _order, roles=STAFF, asks=3),
)
FORMS: Mapping[str, ShowForm] = {directives.PREVIEW.name: _previewed}
