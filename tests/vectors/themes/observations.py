"""Themes about observations: what parties got from surfaces, before, under and after a directive."""

from __future__ import annotations

from sluicegate_record.terms.observations import ProbeOutcome
from tests.vectors.history import History
from tests.vectors.themes.deployments import SERVED
from tests.worlds import CODEX, observation

ORDER = "served-no-more"
ANSWERED = ProbeOutcome(got="answered", status=200, model=SERVED)
NOT_ADMITTED = ProbeOutcome(got="refused", status=403, reason="not_admitted", size=7)
BY_ORDER = ProbeOutcome(got="refused", status=451, reason="directive_in_force", directive=ORDER, size=9)
NOTHING = ProbeOutcome(got="failed", reason="TimeoutError")


def _observed(h: History) -> None:
    """Each verdict: as due, not served, undecided, still served, failed; news at once, the rest each hour."""

    def sees(
        outcome: ProbeOutcome, shows: str, observer: str = "ostp", by: str | None = None, **probe: str
    ) -> None:
        command = observation(h.state, SERVED, outcome, observer, **{"surface": CODEX, **probe})
        receipt = h.must(command, by=f"watch of {observer}")
        assert (receipt["verdict"], receipt["dueBy"]) == (shows, by), receipt
        h.later(1 / 48)

    first = observation(h.state, SERVED, ANSWERED, surface=CODEX)
    h.must(first)
    h.must(first)
    sees(ANSWERED, "as_due")
    sees(NOT_ADMITTED, "not_served")
    sees(ANSWERED, "as_due")
    sees(NOT_ADMITTED, "as_due", expects="refused")
    h.must(h.order(ORDER, issuer="oncd", models=[SERVED], surfaces=[CODEX], covers="everyone"))
    sees(ANSWERED, "undecided")
    h.must(h.in_force(ORDER, h.acknowledged("gateway-1", surface=CODEX)))
    sees(BY_ORDER, "as_due", by=ORDER)
    sees(ANSWERED, "still_served", by=ORDER)
    sees(ANSWERED, "still_served", "oncd", by=ORDER, expects="refused", ask="messages")
    h.later(1)
    sees(ANSWERED, "still_served", by=ORDER)
    sees(NOTHING, "failed")
    h.says(h.lifting(ORDER), "oncd approve")
    sees(ANSWERED, "as_due")
    h.no("observation_moved", observation(h.state, SERVED, ANSWERED, surface=CODEX, previous=None))
    h.no("not_a_party", observation(h.state, SERVED, ANSWERED, "trade", signer="first"))
    h.no("release_unknown", observation(h.state, SERVED, ANSWERED, release="gpt-none"))
    h.no("model_unknown", observation(h.state, SERVED, ANSWERED, model="gpt-none"))
    h.no("surface_unknown", observation(h.state, SERVED, ANSWERED, surface="moon"))
    h.no("point_unknown", observation(h.state, SERVED, ANSWERED, point="moon"))


OBSERVED = (_observed,)
