"""Entries of deployments: what the developer says serves the models of a release."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.entries.body import Body, entry
from sluicegate_record.form import Note, Time
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.terms.deployments import ServedModel


@entry("deployment.attested")
class DeploymentAttested(Body):
    """The developer asserts what serves each model of a release, and until when.

    It takes the place of its last statement about the release. Whether it is what was agreed to follows from
    the terms.
    """

    log: str
    release: str
    serves: tuple[ServedModel, ...]
    signed_at_ms: Time
    until_ms: Time
    officer: str
    digest: str
    envelope: Envelope


@entry("deployment.ended")
class DeploymentEnded(Body):
    """The developer takes its statement back before its end."""

    release: str
    deployment: Annotated[str, Note("digest of the statement")]
    reason: str
