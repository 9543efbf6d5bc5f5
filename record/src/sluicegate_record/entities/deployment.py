"""A deployment: the developer's newest statement of what serves the models of a release.

Rules:
- Each release has one. A later statement names it, and takes its place.
- It is the developer's word. Nothing here shows that it is so.
"""

from __future__ import annotations

from sluicegate_record.entities.happening import Happening
from sluicegate_record.entries.deployments import DeploymentAttested
from sluicegate_record.form import Form, Time, form
from sluicegate_record.terms.deployments import Deployments, ServedModel


@form
class Deployment(Form):
    """The newest statement about a release, by its digest; `ended_ms` is when it was taken back."""

    id: str
    release: str
    seq: int
    at_ms: Time
    signed_at_ms: Time
    serves: tuple[ServedModel, ...]
    until_ms: Time
    officer: str
    ended_ms: Time | None = None

    def until_by(self, asked: Deployments | None) -> int:
        """Until when it holds by terms that ask for it, milliseconds since 1970 UTC."""
        ends_ms = self.until_ms if self.ended_ms is None else min(self.until_ms, self.ended_ms)
        return ends_ms if asked is None else min(ends_ms, self.signed_at_ms + asked.at_most_ms)


def attested(entry: Happening, body: DeploymentAttested) -> Deployment:
    """The deployment that an entry gives."""
    return Deployment(
        id=body.digest,
        release=body.release,
        seq=entry.seq,
        at_ms=entry.at_ms,
        signed_at_ms=body.signed_at_ms,
        serves=body.serves,
        until_ms=body.until_ms,
        officer=body.officer,
    )
