"""An account: an organization that needs no case where a stage is for everyone, or names it in a list."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.entries import Hidden, or_hidden, seen
from sluicegate_record.form import Form, form


@form
class Account(Form):
    """An account, and whether it is open. `party` is the commitment to its organization file."""

    id: str
    holder: Annotated[str | Hidden, or_hidden(str)]
    opener: Annotated[str | Hidden | None, or_hidden(str | None)] = None
    is_open: bool = True
    party: str = ""

    @property
    def organization(self) -> str:
        """The organization that has it. Raises: Withheld."""
        return seen(self.holder)

    @property
    def issuer(self) -> str | None:
        """Who may issue keys under it, beside the developer. Raises: Withheld."""
        return seen(self.opener)
