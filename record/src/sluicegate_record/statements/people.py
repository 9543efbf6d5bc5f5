"""What an organization's signatory says of persons."""

from __future__ import annotations

from typing import ClassVar

from sluicegate_record.directives.status import STATUSES, UNKNOWN
from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Json, Time, form
from sluicegate_record.statements.statement import Statement

EXCLUDED_MAX = 1_000


@form
class Attestation(Statement):
    """What an organization's signatory attests of all persons who can reach a credential,
    except those in `excluded`.

    `models` None is all models; `until_ms` is exclusive.
    """

    TYPE: ClassVar = "urn:sluicegate:attestation:v1"

    log: str
    credential: str
    statuses: tuple[str, ...]
    until_ms: Time
    models: tuple[str, ...] | None = None
    excluded: tuple[str, ...] | None = None

    @property
    def subject(self) -> tuple[str, Json]:
        """The credential, by the whole statement."""
        return self.credential, self.to_json()

    def check(self) -> None:
        """Check that no list is empty, and each status is a known one. Raises: BadEnvelope."""
        for name, listed in (
            ("statuses", self.statuses),
            ("models", self.models),
            ("excluded", self.excluded),
        ):
            if listed is not None:
                _check_names(listed, name)
        for status in self.statuses:
            if status not in STATUSES or status in UNKNOWN:
                expected = ", ".join(each for each in STATUSES if each not in UNKNOWN)
                raise BadEnvelope(
                    f"an attestation of the status {status[:40]!r}, expected some of {expected}"
                )


PERSONS, NONE = "persons", "none"
"""What the identifiers of requests may mean."""


@form
class IdentifierDeclaration(Statement):
    """What an organization's signatory says that the identifiers mean which requests send: `persons`, or
    `none`. It is about a credential, or about all of a grant.
    """

    TYPE: ClassVar = "urn:sluicegate:identifiers:v1"

    log: str
    identifiers: str
    credential: str | None = None
    grant: str | None = None

    @property
    def subject(self) -> tuple[str, Json]:
        """The credential or the grant, by the whole statement."""
        return self.credential or self.grant or "", self.to_json()

    def check(self) -> None:
        """Check that it is about one thing, and says one of the two words. Raises: BadEnvelope."""
        if (self.credential is None) is (self.grant is None):
            raise BadEnvelope("a declaration about a credential or about a grant expected")
        if self.identifiers not in {PERSONS, NONE}:
            raise BadEnvelope(
                f"identifiers that mean {self.identifiers[:40]!r}, expected {PERSONS} or {NONE}"
            )


def _check_names(names: tuple[str, ...], what: str) -> None:
    """Check that a list has names: one that is empty or left out would mean nothing, or everything."""
    if not 1 <= len(names) <= EXCLUDED_MAX:
        raise BadEnvelope(f"{what}: a list of 1 to {EXCLUDED_MAX:,} names expected")
    if not all(1 <= len(each) <= 128 for each in names):
        raise BadEnvelope(f"{what}: names of 1 to 128 characters expected")
    if len(set(names)) != len(names):
        raise BadEnvelope(f"{what}: a name twice, expected each once")
