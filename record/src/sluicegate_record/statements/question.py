"""What a case asks. Every position binds it, by value and by digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Self

from sluicegate_record.directives.scope import Scope
from sluicegate_record.form import Form, Json, form
from sluicegate_record.log import canonical
from sluicegate_record.terms.plan import ModelDigests


@form
class Question(Form):
    """What a case asks: which fields beyond the first three it binds, its kind says.

    It keeps the JSON it came from, and its digest is over that: what another build wrote stays what it was.
    A text that is left out is empty here. `renew` is None but of an amendment.
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
    source: Mapping[str, Json] | None = field(default=None, init=False, compare=False, repr=False)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The question in a value. Raises: Misread."""
        made = super(Question, cls).from_json(value)
        object.__setattr__(made, "source", value)
        return made

    def to_json(self) -> dict[str, Json]:
        """The JSON it came from; of one that was made here, its fields."""
        return dict(self.source) if self.source is not None else super(Question, self).to_json()

    @property
    def digest(self) -> str:
        """What stands for the whole question, `sha256:…`."""
        return canonical.digest(self.to_json())
