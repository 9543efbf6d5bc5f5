"""Themes about deployments: what the developer says serves a release, after which word, and what ends it."""

from __future__ import annotations

from sluicegate.core.lifecycle.deployments import EndDeployment
from tests.vectors.history import History
from tests.worlds import DAY_MS, deployment, digest, plan_value, stage

SERVED, FIRST = "gpt-15", "stated"


def _stated(h: History) -> None:
    """A release that answers only while a statement holds: made, said again, replaced, over, taken back."""
    value = plan_value(SERVED, models=(SERVED,), deployments={"atMost": "P7D"}, stages=[stage(FIRST)])
    h.apply(value)
    h.agree_to(SERVED)
    h.opens(SERVED, FIRST)
    grant = h.admits("org-150", SERVED, FIRST)
    h.issues(grant, "stated-key")
    h.no("deployment_none", EndDeployment(SERVED, "wrong"))
    said = deployment(h.state, SERVED)
    h.must(said, by="officer")
    h.must(said, by="officer")
    h.no("deployment_moved", deployment(h.state, SERVED, previous=None, until_ms=h.state.at_ms + DAY_MS))
    h.no("release_unknown", deployment(h.state, SERVED, release="gpt-none"))
    for model in value["spec"]["models"]:
        model["safeguards"] = digest("safer")
    h.apply(value)
    h.agree_to(SERVED)
    h.must(deployment(h.state, SERVED), by="officer")
    h.must(EndDeployment(SERVED, "another model was served"), by="officer")
    h.no("deployment_none", EndDeployment(SERVED, "another model was served"))
    h.must(deployment(h.state, SERVED, until_ms=h.state.at_ms + DAY_MS), by="officer")
    h.later(2)
    h.no("deployment_over", deployment(h.state, SERVED, signed_at_ms=h.now_ms - 10, until_ms=h.now_ms - 1))
    h.must(deployment(h.state, SERVED, signed_at_ms=h.now_ms, until_ms=h.now_ms + 7 * DAY_MS), by="officer")


DEPLOYED = (_stated,)
