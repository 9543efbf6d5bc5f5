"""The result of deciding a command: drafts and an answer, or a refusal. Both are values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sluicegate_record.entries import Draft

RefusalKind = Literal["unknown", "conflict", "forbidden", "unverified"]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Yes: the drafts to append (there may be none), and the answer. The writer puts `size` in the answer."""

    drafts: Sequence[Draft]
    result: Any  # a Done


@dataclass(frozen=True, slots=True)
class Refusal:
    """No: nothing is appended. `kind` says which status fits; `remedy` says what to do."""

    kind: RefusalKind
    code: str
    message: str
    remedy: str = ""
