"""Pages on which a plan is written: its text, what it would change and lead to, and putting it in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sluicegate.acts import outlook, releases
from sluicegate.acts.act import DEVELOPER, AskAct, Nothing
from sluicegate.acts.changes import ChangeGroup, PlanEffect
from sluicegate.acts.outlook import ReleaseOutlook
from sluicegate.acts.releases import ExposureChange, PlanPreview, ReleaseArgument, Status
from sluicegate.core.terms import plan
from sluicegate.pages import forms
from sluicegate.pages.forms import ActForm, FormFault
from sluicegate.pages.page import Filled, FormLook, ShowForm, SitePage, View
from sluicegate.pages.words import faulty_lines

PLAN = "/plan"
STAFF = frozenset({DEVELOPER})
PARTS: Mapping[str, str] = {
    "WrittenPlanSpec": "What is released: spec",
    "WrittenModel": "A model: spec.models",
    "WrittenAgency": "An agency: spec.agencies",
    "WrittenStage": "A stage: spec.stages",
    "WrittenStageBasis": "Why its rules bind: basis",
    "WrittenAdmission": "How it admits: admission",
    "WrittenClock": "Within which time: admission.clock",
    "WrittenEligibility": "Who may apply: eligibility",
    "WrittenConditions": "Duties of a grant: conditions",
    "WrittenExposure": "What it lets in: exposure",
    "WrittenEvaluation": "An evaluation: spec.evaluations",
}
"""The parts of a plan that the reference names, by their definition in the schema."""
_SEES = "Show what it changes"


class StageChanges(NamedTuple):
    """What a plan changes in a stage, or in the release where `stage` is None, and what that leads to."""

    stage: str | None
    groups: Sequence[ChangeGroup]
    exposure: Sequence[ExposureChange]
    effects: Sequence[PlanEffect]


def _new(view: View[Nothing, Status]) -> Filled:
    return _written(view.ask, "", releases=view.found.releases)


def _existing(view: View[ReleaseArgument, ReleaseOutlook]) -> Filled:
    found = view.found.plan
    text = "" if found is None else plan.written(found)
    return _written(view.ask, text, release=view.asked.release)


def _previewed(look: FormLook) -> Filled:
    """The page again, with what the plan would change, or with what is wrong in it."""
    found, text = look.answer, look.given.get("text", "")
    if not isinstance(found, PlanPreview):
        return _written(look.ask, text, look.given, look.fault)
    shown = {"changes": tuple(changed(found)), "apply": _apply(found, look.given)}
    return _written(look.ask, text, look.given, None, preview=found, release=found.release, **shown)


def _written(
    ask: AskAct,
    text: str,
    given: Mapping[str, str] | None = None,
    fault: FormFault | None = None,
    **shown: Any,
) -> Filled:
    form = forms.form(releases.PREVIEW, {**(given or {}), "text": text}, submit=_SEES, fault=fault)
    lines = faulty_lines(text, form.fault)
    usual = {"release": "", "releases": (), "preview": None, "fault": form.fault, "lines": lines}
    reference = tuple(_reference(ask(releases.SCHEMA, Nothing()).to_json()))
    values = {**usual, "form": form, "reference": reference, **shown}
    return Filled("plan.html", values, is_written=True)


def _apply(found: PlanPreview, given: Mapping[str, str]) -> ActForm | None:
    """The form that puts the same text in force; none if it changes nothing."""
    if not found.changes:
        return None
    hidden = {name: given[name] for name in ("text", "lists") if given.get(name)}
    return forms.form(
        releases.APPLY,
        hidden={"lists": "", **hidden, "base": found.base},
        only={"reason"} if found.retargeted else (),
        submit="Put this plan in force",
        then=f"/board/{found.release}",
    )


def changed(found: PlanPreview) -> Iterator[StageChanges]:
    """What a plan changes, the release first; stages that it adds or removes have effects alone."""
    named = [*(each.stage for each in found.groups), *(each.stage for each in found.effects)]
    added = {each.stage for each in found.effects if each.what in {"new", "removed"}}
    for stage in [None, *dict.fromkeys(each for each in named if each is not None)]:
        groups = [each for each in found.groups if each.stage == stage and stage not in added]
        exposure = [each for each in found.exposure if each.stage == stage]
        effects = [each for each in found.effects if each.stage == stage]
        if groups or exposure or effects:
            yield StageChanges(stage, groups, exposure, effects)


def _reference(schema: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[tuple[str, str]]]]:
    """The fields of a plan with their meanings, part by part."""
    for name, title in PARTS.items():
        fields = schema["$defs"][name]["properties"]
        yield title, [(key, each.get("description", "")) for key, each in fields.items()]


PAGES: tuple[SitePage[Any, Any], ...] = (
    SitePage(PLAN, releases.STATUS, _new, roles=STAFF, asks=2),
    SitePage(f"{PLAN}/{{release}}", outlook.SHOW, _existing, roles=STAFF, asks=2),
)
FORMS: Mapping[str, ShowForm] = {releases.PREVIEW.name: _previewed}
