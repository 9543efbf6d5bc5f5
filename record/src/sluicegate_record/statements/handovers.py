"""What is signed when a log's own key is replaced: which key follows which."""

from __future__ import annotations

from typing import ClassVar

from sluicegate_record.errors import BadEnvelope, BadKey
from sluicegate_record.form import Json, form
from sluicegate_record.log import checkpoint, dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.statements.statement import Statement, check_text


@form
class Handover(Statement):
    """The key `replaces` of a log signs no head any more after this is entered, and the key `key` does.

    `log` is the log's first verifier key, which stays its name. All three are verifier keys under one name.
    The new key signs it, and the old one; or two officers, if the old one is lost or was stolen.
    """

    TYPE: ClassVar = "urn:sluicegate:log-key:v1"

    log: str
    replaces: str
    key: str
    reason: str

    @property
    def subject(self) -> tuple[str, Json]:
        """The new key, by the whole statement."""
        return f"log-key/{checkpoint.parse_vkey(self.key).key_id.hex()}", self.to_json()

    def check(self) -> None:
        """Check the keys, and that it says when it was signed. Raises: BadEnvelope."""
        check_text(self.reason, "a reason")
        if self.signed_at_ms is None:
            raise BadEnvelope("a handover without the time at which it was signed")
        try:
            names = {checkpoint.parse_vkey(each).name for each in (self.log, self.replaces, self.key)}
        except BadKey as error:
            raise BadEnvelope(f"a handover of no verifier keys: {error.message}") from error
        if len(names) > 1 or self.key in {self.log, self.replaces}:
            raise BadEnvelope("a handover to another key under the same name expected")


def is_signed_by_log(envelope: Envelope, vkey: str) -> bool:
    """Whether the key of a log signed a statement. Raises: BadKey: `vkey` is no verifier key."""
    key = PublicKey(checkpoint.parse_vkey(vkey).public)
    return bool(dsse.verify(envelope, {key.keyid: key}))
