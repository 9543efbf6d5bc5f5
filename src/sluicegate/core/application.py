"""Who applies: the dossier an organization gives, sealed in the case."""

from __future__ import annotations

import unicodedata
from typing import Any

from pydantic import ValidationError

from sluicegate.core import plan
from sluicegate.core.document import Document
from sluicegate.core.plan import Country, Text, _Strict


class Organization(_Strict):
    """A legal entity that applies."""

    name: Text
    registeredIn: Country  # noqa: N815 - the file format's own name
    intendedUse: Text | None = None  # noqa: N815 - the file format's own name


def name_key(name: str) -> str:
    """What two spellings of one legal name have in common: NFKC, without case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def read(document: Document) -> dict[str, Any]:
    """Check an organization file.

    Raises: InvalidDocument: with the place of every error.
    """
    try:
        return Organization.model_validate(document.value).model_dump(mode="json", exclude_none=True)
    except ValidationError as error:
        faults = [plan.fault_of(detail, document.value) for detail in error.errors(include_url=False)]
        raise document.refuse(faults) from error
