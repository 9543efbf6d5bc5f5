"""Statements about points, and statements that points make."""

from __future__ import annotations

import re
from typing import ClassVar

from sluicegate_record.errors import BadEnvelope, BadKey
from sluicegate_record.form import Base64, Json, Time, form
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.statements.statement import Statement, is_hash

POINTINGS = ("declared", "retired")
ENFORCEMENTS = ("enforced", "restored")
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?", re.ASCII)


@form
class Pointing(Statement):
    """An officer declares or retires an enforcement point. `key` is the point's own key, in its form."""

    TYPE: ClassVar = "urn:sluicegate:point:v1"

    log: str
    point: str
    surface: str
    key: Base64
    says: str

    @property
    def subject(self) -> tuple[str, Json]:
        """The point, by the whole statement."""
        return self.point, self.to_json()

    def check(self) -> None:
        """Check names, word and key. Raises: BadEnvelope."""
        for name in (self.point, self.surface):
            if not _NAME.fullmatch(name):
                raise BadEnvelope(
                    f"the name {name[:80]!r}, expected lower-case letters, digits and ._- between"
                )
        if self.says not in POINTINGS:
            raise BadEnvelope(f"a point that is {self.says[:40]!r}, expected one of {', '.join(POINTINGS)}")
        try:
            PublicKey(self.key).check()
        except BadKey as error:
            raise BadEnvelope(f"the key of a point: {error.message}") from error


@form
class Enforcement(Statement):
    """What a point says of a directive: `enforced` or `restored`, at a time.

    Its subject is the directive, by its document's digest.
    """

    TYPE: ClassVar = "urn:sluicegate:enforcement:v1"

    log: str
    point: str
    directive: str
    document: str
    says: str
    at_ms: Time

    @property
    def subjects(self) -> dict[str, str]:
        """The directive, by its document's digest."""
        return {self.directive: self.document.removeprefix("sha256:")}

    def check(self) -> None:
        """Check word and digest. Raises: BadEnvelope."""
        if self.says not in ENFORCEMENTS:
            said = f"a point that has {self.says[:40]!r}, expected one of {', '.join(ENFORCEMENTS)}"
            raise BadEnvelope(said)
        if not is_hash(self.document.removeprefix("sha256:")):
            raise BadEnvelope("the document of a statement that is not named by its digest")
