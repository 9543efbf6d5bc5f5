"""Target dates of stages: promises of the developer that plans make, change and break.

Rules:
- The plan that states a date makes the promise; one with another date changes it, one without it breaks it.
- The opening of the stage keeps it. A stage that is open has nothing left to promise.
- What was kept or broken is not promised again by the same date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from sluicegate_record.entities.happening import Happening
from sluicegate_record.entities.promise import BROKEN, OPEN, Promise, PromiseChange, place_of
from sluicegate_record.entities.release import Release
from sluicegate_record.entries.releases import ReleaseApplied
from sluicegate_record.form import replace
from sluicegate_record.statements.about import About
from sluicegate_record.terms import dates


class Targets(Protocol):
    """What is on the record about target dates."""

    @property
    def developer(self) -> str:
        """Whose promises target dates are."""

    @property
    def releases(self) -> Mapping[str, Release]:
        """The releases by name."""

    @property
    def opened(self) -> Mapping[str, int | None]:
        """Since when a stage is open, by its terms; None: it is closed."""

    @property
    def promises(self) -> Mapping[str, Promise]:
        """Every promise by name."""

    @property
    def promised(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the promises about something, by `place_of`."""


def after(known: Targets, entry: Happening, body: ReleaseApplied) -> Iterator[Promise]:
    """The promises that a plan makes, changes or breaks, as each is after it.

    Requires: `known` is as it is before the plan.
    """
    stages = () if body.plan is None else body.plan.spec.stages
    stated = {stage.name: dates.end_ms(stage.target) for stage in stages if stage.target is not None}
    before = known.releases.get(body.release)
    for stage in sorted({*(() if before is None else before.terms), *body.terms}):
        last, due_ms = newest(known, body.release, stage), stated.get(stage)
        if last is not None and last.due_ms == due_ms:
            continue
        if last is not None and last.state == OPEN:
            yield _moved(last, due_ms, entry, body.reason or "")
        elif due_ms is not None and not _is_open(known, body, stage):
            yield _made(known.developer, body.release, stage, due_ms, entry)


def newest(known: Targets, release: str, stage: str) -> Promise | None:
    """The newest promise of the developer that a stage opens by its target date."""
    about = place_of(About(release=release, stage=stage))
    found = (known.promises[name] for name in reversed(known.promised.get(about, ())))
    return next((each for each in found if each.is_target), None)


def _is_open(known: Targets, body: ReleaseApplied, stage: str) -> bool:
    terms = {body.terms.get(stage, ""), body.tightened.get(stage, "")}
    return any(known.opened.get(each) is not None for each in terms)


def _made(developer: str, release: str, stage: str, due_ms: int, entry: Happening) -> Promise:
    return Promise(
        id=f"target_{release}_{stage}_{entry.seq}",
        party=developer,
        text=f"the stage {stage} opens",
        due_ms=due_ms,
        seq=entry.seq,
        at_ms=entry.at_ms,
        about=About(release=release, stage=stage),
        is_target=True,
    )


def _moved(found: Promise, due_ms: int | None, entry: Happening, reason: str) -> Promise:
    """The promise by another date, or broken: None is no date any more."""
    at_ms = entry.at_ms
    if due_ms is None:
        return replace(found, state=BROKEN, ended_ms=at_ms, broken_ms=at_ms, how="act", said=reason)
    change = PromiseChange(text=found.text, due_ms=found.due_ms, reason=reason, at_ms=at_ms, seq=entry.seq)
    return replace(found, due_ms=due_ms, changes=(*found.changes, change))
