"""What can be wrong with a record: the part of the error tree that an auditor needs. The product adds to it.

    SluicegateError
    ├── InvalidInput            what was given is malformed
    │   ├── NotCanonical        JSON outside the strict subset we accept
    │   ├── BadEnvelope         not a DSSE envelope, or not the statement expected
    │   └── BadKey              not a key of the kind expected
    ├── VerificationFailed      well-formed, but not what it claims to be
    │   ├── BadSignature
    │   ├── BadProof            a Merkle proof that does not lead to the root
    │   └── BadCheckpoint       a signed note that does not verify
    └── Unreachable             the other side did not answer

Messages are one lower-case line: what was found (quoted), what was expected, what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as field_of


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a document something is wrong.

    `field` names it as the document does, such as `spec.stages[partners].seats`, or a column of a sheet.
    Units: line and column count from 1; column counts code points. Both are 0 in a value that is no text:
    `file` is then the field that has it, and the message says the same.
    """

    file: str
    line: int
    column: int
    expected: str
    found: str
    field: str = field_of(default="", compare=False)

    def __str__(self) -> str:
        if not self.line:
            return f"{self.field or self.file}: expected {self.expected}, found {self.found}"
        what = f" (field {self.field})" if self.field else ""
        return f"{self.file}:{self.line}:{self.column}: expected {self.expected}, found {self.found}{what}"


class SluicegateError(Exception):
    """The root of the tree.

    `code` is stable and machine-readable; `remedy` says what to do, or is empty.
    """

    code = "error"

    def __init__(self, message: str, *, code: str = "", remedy: str = "", at: Sequence[Place] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.remedy = remedy
        self.at = tuple(at)


class InvalidInput(SluicegateError):
    """The input is malformed. It changed nothing."""

    code = "invalid_input"


class NotCanonical(InvalidInput):
    """JSON that two parsers could read in different ways, or that has no canonical form."""

    code = "not_canonical"


class BadEnvelope(InvalidInput):
    """Not a DSSE envelope, or its payload is not the statement expected."""

    code = "bad_envelope"


class BadKey(InvalidInput):
    """Not a key, or not of the kind expected."""

    code = "bad_key"


class VerificationFailed(SluicegateError):
    """Well-formed, but not what it claims to be."""

    code = "verification_failed"


class BadSignature(VerificationFailed):
    """The key that should have signed has no valid signature."""

    code = "bad_signature"


class BadProof(VerificationFailed):
    """A Merkle proof of the wrong length, or one that leads to another root."""

    code = "bad_proof"


class BadCheckpoint(VerificationFailed):
    """A checkpoint that is malformed, of another log, or not signed by its key."""

    code = "bad_checkpoint"


class Unreachable(SluicegateError):
    """The other side did not answer in time, or not in our protocol."""

    code = "unreachable"
