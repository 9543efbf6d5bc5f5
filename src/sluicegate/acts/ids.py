"""Ids by their beginnings: people type as much of one as no other has."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, Act, ActAnswer, Arguments
from sluicegate.acts.fields import text
from sluicegate_record.form import Note, form

KindOfId = Literal[
    "account",
    "case",
    "credential",
    "directive",
    "draft",
    "drill",
    "evidence",
    "finding",
    "grant",
    "import",
    "licence",
    "member",
    "principal",
    "promise",
    "provider",
    "signatory",
    "subscription",
]
"""What has ids: the keys of the fields that acts take them in."""
KINDS = frozenset(get_args(KindOfId))
IDS_MAX = 10
"""How many ids an answer has."""


@form
class Beginning(Arguments):
    """What an id is of, and how it begins. `grant_` and the like can be left out."""

    kind: Annotated[KindOfId, Note("What it is of.")]
    begins: Annotated[Annotated[str, text(0, 128)], Note("How it begins.")]


@form
class Ids(ActAnswer):
    """The ids that begin so, of what the reader may see: only one if that is the whole id.

    `more`: there are others.
    """

    ids: tuple[str, ...]
    more: bool


FIND = Act(
    "id.find",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/ids/{kind}",
    Beginning,
    Ids,
    "Find the ids that begin so.",
)
