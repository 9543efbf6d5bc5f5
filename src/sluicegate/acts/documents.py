"""What several acts are asked with: a document as written, or a signed statement."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import Arguments
from sluicegate.acts.fields import FileName, SignedEnvelope, text
from sluicegate.bounds import DOCUMENT_BYTES_MAX
from sluicegate_record.form import Note, form


@form
class DocumentText(Arguments):
    """A document as written, and the name of its file for messages about it."""

    text: Annotated[str, text(0, DOCUMENT_BYTES_MAX), Note("The document, as YAML.")]
    file: FileName = "document"


@form
class SignedStatement(Arguments):
    """A signed statement, as a DSSE envelope."""

    envelope: SignedEnvelope
