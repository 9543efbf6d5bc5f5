"""What a plan asks about deployments, as a person writes it.

Rules:
- A plan that leaves it out asks for nothing.
- One statement is about all models of a release. So there is a bound to how many a plan can have that asks
  for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sluicegate.core.terms.document import Fault, shown
from sluicegate.core.terms.written import Duration, Strict
from sluicegate_record.statements.deployments import SERVED_MAX
from sluicegate_record.terms import durations
from sluicegate_record.terms.deployments import LONGEST, LONGEST_MS


class WrittenDeployments(Strict):
    """Models answer only while a statement holds, signed by the developer, that the weights and the
    safeguards of this plan serve them. `atMost`: how long one holds after it was signed, at most 90 days.
    """

    atMost: Duration  # noqa: N815 - the plan language's own name


def faults(spec: Any) -> Iterator[Fault]:
    """What no single field shows: a statement that holds too long, or that is about too much."""
    asked = spec.get("deployments") if isinstance(spec, dict) else None
    if not isinstance(asked, dict):
        return
    at_most, models = asked.get("atMost"), spec.get("models")
    try:
        is_long = isinstance(at_most, str) and durations.milliseconds(at_most) > LONGEST_MS
    except ValueError:
        is_long = False
    if is_long:
        yield Fault(("spec", "deployments", "atMost"), f"at most {LONGEST}", shown(at_most))
    if isinstance(models, list) and len(models) > SERVED_MAX:
        said = f"at most {SERVED_MAX} models where deployments are stated"
        yield Fault(("spec", "models"), said, str(len(models)))
