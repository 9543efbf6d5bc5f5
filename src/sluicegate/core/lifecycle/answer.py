"""What deciding a command gives: drafts and a result, or a refusal. Both are values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sluicegate_record.entries import Draft

RefusalKind = Literal["unknown", "conflict", "forbidden", "unverified"]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Yes: what to append (perhaps nothing), and the answer, to which the writer adds `size`."""

    drafts: Sequence[Draft]
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """No. Nothing is appended. `kind` tells the edge which status fits; `remedy` what to do."""

    kind: RefusalKind
    code: str
    message: str
    remedy: str = ""
