"""What a plan asks of its developer about deployments: that it signs what is served.

Rules:
- A plan without this asks for no statement.
- What has to be served is what the terms name: the weights and the safeguards of each model.
"""

from __future__ import annotations

from sluicegate_record.form import Exact, Form, form
from sluicegate_record.terms import durations
from sluicegate_record.terms.durations import Duration

LONGEST = "P90D"
LONGEST_MS = durations.milliseconds(LONGEST)
"""How long after it was signed a statement about deployments can hold."""


@form
class Deployments(Form):
    """Models answer only while a statement of the developer holds that says what serves them.

    It holds for `at_most` after it was signed, even if it says more.
    """

    at_most: Duration

    @property
    def at_most_ms(self) -> int:
        """How long a statement holds."""
        return durations.milliseconds(self.at_most)


@form
class ServedModel(Exact):
    """What serves a model on some surfaces: the upstream, and the digests of what it runs."""

    model: str
    upstream: str
    digest: str
    safeguards: str
    surfaces: tuple[str, ...]


def is_tighter(new: Deployments | None, old: Deployments | None) -> bool:
    """Whether new terms ask for as much as the old ones: a statement, and one as new."""
    if old is None:
        return True
    return new is not None and new.at_most_ms <= old.at_most_ms and new.unknown == old.unknown
