"""Themes about designations: an agency judges a model, what follows, a plan under it, and how each ends."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle.designations import Reconsider, RecordDesignation
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate_record.entities.designation import key_of
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.designations import DesignationStatement
from tests.vectors.history import History, sealed
from tests.worlds import API, LOG, digest, plan_value, position, signed, stage

JUDGED, FIRST, SECOND = "gpt-11", "first", "second"
COVERED, COMPARABLE = "covered-frontier-model", "comparable-to"
CLOCK = {"within": 20, "unit": "days", "calendar": "weekends", "silence": "deny"}


def _plan(**changes: Any) -> dict[str, Any]:
    """Two levels: one adds an agency and a clock, the other a requirement and fewer seats."""
    asked = {"allOf": [{"terms": "agreed"}]}
    adopted = {"adopted": {"standard": "frontier-testing", "by": ["ostp"]}, "whenLost": "tell"}
    given = {
        "stages": [stage(FIRST, seats=24, opensWhen=asked), stage(SECOND, opensWhen=asked)],
        "designations": {
            "by": ["oncd", "ostp"],
            "classes": {COVERED: {"scrutiny": "elevated"}, COMPARABLE: {"scrutiny": "close"}},
        },
        "scrutiny": {
            "elevated": {"addAgencies": ["caisi"], "clock": CLOCK},
            "close": {"seats": 2, "requires": {"allOf": [adopted]}},
        },
    }
    return plan_value(JUDGED, models=(JUDGED,), **{**given, **changes})


def _says(
    h: History, agency: str, says: str = "designates", basis: Opening | None = None, **said: Any
) -> RecordDesignation:
    given: dict[str, Any] = {"model": digest(JUDGED), "class_": COVERED, "comparable_to": None, **said}
    name = key_of(JUDGED, agency, given["model"], given["class_"], given["comparable_to"])
    known = h.state.record.designations.get(name)
    more = {
        "terms": h.state.releases[JUDGED].own_terms,
        "previous": None if known is None else known.digest,
        "sealed": None if basis is None else basis.commitment("sealed", "basis"),
    }
    stated = DesignationStatement(log=LOG, release=JUDGED, agency=agency, says=says, **{**more, **given})
    return RecordDesignation(signed(stated.payload(), agency), basis)


def _newest(h: History, agency: str) -> str:
    known = h.state.record.designations.values()
    return next(each.digest for each in known if (each.agency, each.class_) == (agency, COVERED))


def _designated(h: History) -> None:
    """A model is designated between two applications; a plan comes, and the designation is withdrawn."""
    h.apply(_plan())
    h.agree_to(JUDGED)
    before = h.applies("org-100", JUDGED, FIRST, surface=API)
    h.says(before, "oncd approve")
    h.no("not_to_designate", _says(h, "caisi"))
    h.no("model_unknown", _says(h, "oncd", model=digest("another")))
    h.no("not_designated", _says(h, "oncd", "withdraws"))
    first = _says(h, "oncd", statement="by its benchmarks", basis=sealed("which benchmarks"))
    h.must(first, by="agency")
    h.must(first, by="agency")
    h.ends(before, "superseded")
    h.no("designation_stale", _says(h, "oncd", previous=None, statement="again"))
    h.admits("org-101", JUDGED, FIRST, "oncd approve", "ostp approve", "caisi approve", surface=API)
    h.must(_says(h, "ostp", class_=COMPARABLE, comparable_to="mythos-5"), by="agency")
    h.newest("stage.lacking", release=JUDGED)
    h.apply(_plan(stages=[stage(FIRST, seats=20, opensWhen={"allOf": [{"terms": "agreed"}]})]))
    assert h.newest("release.applied", release=JUDGED)["raised"]
    h.must(_says(h, "ostp", "withdraws", class_=COMPARABLE, comparable_to="mythos-5"), by="agency")
    h.must(_says(h, "oncd", "withdraws", statement="the benchmarks were wrong"), by="agency")
    assert "raised" not in h.newest("designation.recorded", agency="oncd")
    h.admits("org-102", JUDGED, FIRST, "oncd approve", "ostp approve", surface=API)


def _reconsidered(h: History) -> None:
    """A designation is appealed: denied at first, then, after another word, allowed."""
    h.no("designation_unknown", Reconsider(JUDGED, "sha256:none", "why"))
    h.must(_says(h, "oncd"), by="agency")
    case = h.must(Reconsider(JUDGED, _newest(h, "oncd"), "the model is small"))["case"]
    h.says(case, "oncd object")
    h.ends(case, "denied", "objection")
    h.no("reconsidered_already", Reconsider(JUDGED, _newest(h, "oncd"), "again"))
    h.must(_says(h, "oncd", statement="by newer benchmarks"), by="agency")
    case = h.must(Reconsider(JUDGED, _newest(h, "oncd"), "it is still small"))["case"]
    h.must(RecordPosition(position(h.state.cases[case], "oncd")), by="agency")
    assert h.newest("designation.ended", case=case)


DESIGNATED = (_designated, _reconsidered)
