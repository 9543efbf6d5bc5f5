"""Every exception Sluicegate raises, in one tree.

    SluicegateError
    ├── InvalidInput            what was given is malformed                 exit 3, HTTP 400
    │   ├── WrongUsage          options that do not go together                 exit 2
    │   ├── NotCanonical        JSON outside the strict subset we accept
    │   ├── InvalidDocument     a plan, directive or other file; has places
    │   ├── TooComplex          takes more time or memory to read than it may
    │   ├── TooLarge            has more bytes than it may                      exit 3, HTTP 413
    │   ├── BadEnvelope         not a DSSE envelope, or not the statement expected
    │   └── BadKey              not a key of the kind expected
    ├── VerificationFailed      well-formed, but not what it claims to be   exit 5
    │   ├── BadSignature                                                    exit 5, HTTP 403
    │   ├── BadProof            a Merkle proof that does not lead to the root
    │   ├── BadCheckpoint       a signed note that does not verify
    │   ├── BadFeed             a feed that goes back, forks, or is not signed
    │   └── Drifted             a gateway with another log or fold than ours     HTTP 409
    ├── CommandRefused          the rules say no; carries the refusal       exit 1
    ├── Unauthorized            no token, or one that may not do this       exit 1
    ├── StoreUnusable           not our database, or a newer schema         exit 3
    ├── StoreUnavailable        disk full, in use, gone; nothing was done   exit 4, HTTP 503
    ├── Overloaded              too much is asked at once; nothing was done exit 4, HTTP 503 or 429
    └── Unreachable             the other side did not answer               exit 4

A "no" that the rules foresee is a value (`core.access.refusals.Deny`, `core.lifecycle.Refusal`). An exception
is a surprise, or the form in which such a value leaves the core.

Errors about the record itself are in `sluicegate_record.errors`, and are also named here.

Messages are one lower-case line: what was found (quoted), what was expected, what to do.
"""

from __future__ import annotations

from collections.abc import Sequence

from sluicegate_record.errors import (
    BadCheckpoint,
    BadEnvelope,
    BadKey,
    BadProof,
    BadSignature,
    InvalidInput,
    NotCanonical,
    Place,
    SluicegateError,
    Unreachable,
    VerificationFailed,
)

__all__ = [
    "BadCheckpoint",
    "BadEnvelope",
    "BadFeed",
    "BadKey",
    "BadProof",
    "BadSignature",
    "CommandRefused",
    "Drifted",
    "InvalidDocument",
    "InvalidInput",
    "NotCanonical",
    "Overloaded",
    "Place",
    "SluicegateError",
    "StoreUnavailable",
    "StoreUnusable",
    "TooComplex",
    "TooLarge",
    "Unauthorized",
    "Unreachable",
    "VerificationFailed",
    "WrongUsage",
    "wrong_field",
]


def wrong_field(key: str, expected: str, found: str) -> InvalidInput:
    """The error that a field has something else than is expected of it."""
    place = Place(key, 0, 0, expected, found)
    return InvalidInput(str(place), at=[place])


class WrongUsage(InvalidInput):
    """A command's options do not go together, or one is missing."""

    code = "usage"


class InvalidDocument(InvalidInput):
    """A document with errors; `at` lists all of them."""

    code = "invalid_document"


class TooComplex(InvalidInput):
    """A text that takes more than it may to read: elements, time, memory. It changed nothing."""

    code = "too_complex"

    def __init__(
        self, message: str, *, code: str = "", remedy: str = "send less at once", at: Sequence[Place] = ()
    ) -> None:
        super().__init__(message, code=code, remedy=remedy, at=at)


class TooLarge(InvalidInput):
    """More bytes than are taken here. They changed nothing."""

    code = "too_large"


class BadFeed(VerificationFailed):
    """A feed answer that is unsigned, replayed or truncated, or that goes back or forks."""

    code = "bad_feed"


class Drifted(VerificationFailed):
    """A gateway whose log or fold differs from ours; `what` says which: `root` or `fold`."""

    code = "drifted"

    def __init__(self, what: str, message: str, remedy: str) -> None:
        super().__init__(message, code="log_forked" if what == "root" else self.code, remedy=remedy)
        self.what = what


class CommandRefused(SluicegateError):
    """The rules say no to a command. Nothing was changed."""

    code = "refused"


class Unauthorized(SluicegateError):
    """No token, an unknown one, or one whose holder may not do this."""

    code = "unauthorized"


TOO_MANY = "too_many_requests"
"""The code where it is the caller's own doing."""


class Overloaded(SluicegateError):
    """Too much is asked at the same time, by one caller or by all. Nothing was done.

    `retry_after_s` says when to ask again.
    """

    code = "server_busy"

    def __init__(self, message: str, *, code: str = "server_busy", retry_after_s: int = 1) -> None:
        super().__init__(message, code=code, remedy=f"ask again after {retry_after_s} s")
        self.retry_after_s = retry_after_s


class StoreUnusable(SluicegateError):
    """The database is not ours, is damaged, or was written by a newer version."""

    code = "store_unusable"


class StoreUnavailable(SluicegateError):
    """The database cannot be written or read now; the command changed nothing."""

    code = "store_unavailable"
