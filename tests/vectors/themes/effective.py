"""Themes about effective access: what answers say that ran, beside what was granted."""

from __future__ import annotations

from sluicegate.core.lifecycle.grants import NoteDifference
from sluicegate_record.terms.effective import NOT_GIVEN, NOT_GRANTED
from tests.vectors.history import History
from tests.vectors.themes.deployments import FIRST, SERVED


def _differing(h: History) -> None:
    """Each kind once a day for a grant, and never for one that has ended."""
    grant = h.admits("org-151", SERVED, FIRST)
    for kind in (NOT_GIVEN, NOT_GRANTED, NOT_GIVEN):
        h.must(NoteDifference(grant, kind, "gateway-1"), by="gateway")
    assert h.newest("grant.differed", grant=grant)["kind"] == NOT_GRANTED
    h.later(1)
    h.must(NoteDifference(grant, NOT_GIVEN, "gateway-1"), by="gateway")
    assert h.newest("grant.differed", grant=grant)["kind"] == NOT_GIVEN
    h.no("grant_unknown", NoteDifference("grant_none", NOT_GIVEN, "gateway-1"))


EFFECTIVE = (_differing,)
