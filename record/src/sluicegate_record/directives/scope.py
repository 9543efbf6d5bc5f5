"""The part of a directive that is lifted."""

from __future__ import annotations

from sluicegate_record.form import Form, Time, form


@form
class CommittedNames(Form):
    """Names that are not public: their count, and the commitment to them in 64 hex digits."""

    count: int
    commitment: str


@form
class Scope(Form):
    """The part of a directive that is lifted: for these models, surfaces, annexes or organizations.

    A field that is left out means all. A part that this build does not know is kept.
    """

    models: tuple[str, ...] | None = None
    surfaces: tuple[str, ...] | None = None
    annexes: tuple[str, ...] | None = None
    organizations: CommittedNames | None = None

    def includes(self, other: Scope) -> bool:
        """Whether another part is provably in this one, so that to lift that too would change nothing."""
        if self.unknown or self.organizations is not None:
            return False
        sides = [
            (self.models, other.models),
            (self.surfaces, other.surfaces),
            (self.annexes, other.annexes),
        ]
        return all(mine is None or (its is not None and set(its) <= set(mine)) for mine, its in sides)


@form
class LiftedPart(Form):
    """A part of a directive that was lifted, and by which case and entry."""

    case: str
    scope: Scope
    at_ms: Time
    seq: int
