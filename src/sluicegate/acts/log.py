"""Acts on the public log. Anyone may ask."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import ANYONE, Act, ActAnswer, Arguments, Nothing
from sluicegate_record.form import Json, form, within

Size = Annotated[int, within(0)]
"""How many entries; a place in the log."""


@form
class LogHead(ActAnswer):
    """The log's first verifier key, to which statements are bound, and how many entries it has.

    `key` is the verifier key that signs it now; an earlier build does not say it. `handovers` are the signed
    statements that lead to that one.
    """

    vkey: str
    size: int
    key: str = ""
    handovers: tuple[Json, ...] = ()


HEAD = Act(
    "log.head",
    ANYONE,
    "question",
    "/api/v1/log",
    Nothing,
    LogHead,
    "Show the log's verifier key, to which statements are bound, and its size.",
)


@form
class EntryPlace(Arguments):
    """Which entry, in the log of which size; by default the newest."""

    index: Size
    size: Size | None = None


@form
class InclusionProof(ActAnswer):
    """The proof that an entry is in the log. `proof` and `root` are in base64."""

    index: int
    size: int
    leaf: str
    proof: tuple[str, ...]
    root: str


INCLUSION = Act(
    "log.inclusion",
    ANYONE,
    "question",
    "/api/v1/log/inclusion",
    EntryPlace,
    InclusionProof,
    "Prove that an entry is in the log.",
)


@form
class TwoSizes(Arguments):
    """The sizes of an older log and of a newer one; by default the newest."""

    first: Size
    second: Size | None = None


@form
class ConsistencyProof(ActAnswer):
    """The proof that one log is the beginning of another. `proof` is in base64."""

    first: int
    second: int
    proof: tuple[str, ...]


CONSISTENCY = Act(
    "log.consistency",
    ANYONE,
    "question",
    "/api/v1/log/consistency",
    TwoSizes,
    ConsistencyProof,
    "Prove that an older log is the beginning of a newer one.",
)
