"""A command, and the result of deciding it: drafts and an answer, or a refusal. All are values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sluicegate.acts.act import Done
from sluicegate_record.entries import Draft
from sluicegate_record.log.dsse import Envelope


class Command:
    """What is asked of the log: a frozen dataclass; `lifecycle.decide` knows the function that decides it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class SignedCommand(Command):
    """A command that carries what someone has signed."""

    envelope: Envelope


@dataclass(frozen=True, slots=True)
class SignedTogether(Command):
    """A command that carries several signed statements. Requires: at least one."""

    envelopes: tuple[Envelope, ...]


RefusalKind = Literal["unknown", "conflict", "forbidden", "unverified", "exhausted"]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Yes: the drafts to append (there may be none), and the answer. The writer puts `size` in the answer."""

    drafts: Sequence[Draft]
    result: Done


@dataclass(frozen=True, slots=True)
class Refusal:
    """No: nothing is appended. `kind` says which status fits; `remedy` says what to do.

    `retry_after_s` is when the same is allowed again, if time alone allows it.
    """

    kind: RefusalKind
    code: str
    message: str
    remedy: str = ""
    retry_after_s: int | None = None
