"""The question of a case. Every position binds it, by value and by digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from sluicegate_record.directives.scope import Scope
from sluicegate_record.form import SOURCE, Form, Json, form
from sluicegate_record.log import canonical
from sluicegate_record.terms.plan import ModelDigests
from sluicegate_record.terms.programmes import HeldProgramme


@form
class Question(Form):
    """The question of a case. The kind of the case says which fields it binds beyond the first three.

    It keeps the JSON that it came from, and its digest is over that. So a question that another build wrote
    does not change. A text that is left out is empty here. `renew` is None except in an amendment.
    """

    log: str
    case: str
    kind: str
    release: str = ""
    stage: str = ""
    terms: str = ""
    models: tuple[ModelDigests, ...] = ()
    surface: str = ""
    party: str = ""
    grant: str = ""
    renew: bool | None = None
    reason_code: str = ""
    against: str = ""
    directive: str = ""
    document: str = ""
    scope: Scope | None = None
    member: str = ""
    designation: str = ""
    programmes: tuple[HeldProgramme, ...] = ()
    source: Mapping[str, Json] | None = field(
        default=None, init=False, compare=False, repr=False, metadata=SOURCE
    )

    def to_json(self) -> dict[str, Json]:
        """The JSON that it came from; if it was made here, its fields."""
        return dict(self.source) if self.source is not None else super(Question, self).to_json()

    @property
    def digest(self) -> str:
        """The digest of the whole question, `sha256:…`."""
        return canonical.digest(self.to_json())
