"""Pages of lists: what each list is asked with beside its filters."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import Arguments
from sluicegate_record.form import Note, form, within


@form
class Paging(Arguments):
    """Which part of a list: at most 500 rows at once. The answer has `next` if there are more."""

    before: Annotated[str | None, Note("The last of the page before: its id.")] = None
    limit: Annotated[int, within(1, 500), Note("How many.")] = 50


@form
class LongPaging(Paging):
    """Which part of a list that clients ask for without saying how much: they get all there is, up to 500."""

    limit: Annotated[int, within(1, 500), Note("How many.")] = 500
