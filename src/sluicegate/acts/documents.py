"""What several acts are asked with: a document as written, or a signed statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from sluicegate.acts.act import Arguments
from sluicegate.acts.fields import FileName, ListedName, SignedEnvelope, some, text
from sluicegate.acts.sheets import LISTS
from sluicegate.bounds import DOCUMENT_BYTES_MAX, LISTED_MAX
from sluicegate_record.form import Note, form


@form
class DocumentText(Arguments):
    """A document as written, and the name of its file for messages about it."""

    text: Annotated[str, text(0, DOCUMENT_BYTES_MAX), Note("The document, as YAML.")]
    file: FileName = "document"


@form
class ListedPlan(DocumentText):
    """A plan as written, the name of its file, and the names of the lists that it refers to."""

    lists: Annotated[
        Mapping[str, Annotated[tuple[ListedName, ...], some(ListedName, 0, LISTED_MAX)]],
        LISTS,
        Note("The legal names of each list, by the file that the plan names."),
    ] = field(default_factory=dict)


@form
class SignedStatement(Arguments):
    """A signed statement, as a DSSE envelope."""

    envelope: SignedEnvelope
