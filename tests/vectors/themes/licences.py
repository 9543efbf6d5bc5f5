"""Themes about licences: granted with an end and a rate, denied, expired, revoked, and over."""

from __future__ import annotations

from sluicegate.core.lifecycle.licences import EndLicence, RequestLicence
from tests.vectors.history import History
from tests.vectors.themes.bases import TEMPORARY
from tests.worlds import API

NAME = "licensed"


def _asks(h: History, grant: str, by: str) -> str:
    case: str = h.must(RequestLicence(NAME, grant), by=by)["case"]
    return case


def _licensed(h: History) -> None:
    """Two organizations are excepted from an order: one for a time, one until that is revoked."""
    names = ("org-90", "org-91", "org-92")
    grants = [h.admits(name, TEMPORARY, "staying", "ostp approve", surface=API) for name in names]
    h.opens(TEMPORARY, "staying")
    h.must(h.order(NAME, models=[TEMPORARY], liftedBy={"allOf": ["oncd"]}, licensedBy={"anyOf": ["ostp"]}))
    h.no("directive_unknown", RequestLicence("none", grants[0]))
    h.no("grant_unknown", RequestLicence(NAME, "grant_none"))
    first = _asks(h, grants[0], "user of org-90")
    assert _asks(h, grants[0], "user of org-90") == first
    h.asks_for(first, "ostp", requestsPerMinute=5, validFor="P3D")
    second = _asks(h, grants[1], "user of org-91")
    third = _asks(h, grants[2], "user of org-92")
    h.says(third, "ostp object")
    h.ends(third, "denied", "objection")
    h.schedules("ostp", "approve", second)
    h.no("licence_unknown", EndLicence("ostp", "licence_none", "why"))
    licence = h.newest("licence.granted", case=second)["licence"]
    h.no("not_to_end", EndLicence("caisi", licence, "why"))
    h.must(EndLicence("ostp", licence, "it was misused"), by="reviewer of ostp")
    h.later(4)
    assert h.newest("licence.ended", how="expired")
    fourth = _asks(h, grants[1], "user of org-91")
    h.says(h.lifting(NAME), "oncd approve")
    h.ends(fourth, "superseded", "directive_lifted")


LICENCES = (_licensed,)
