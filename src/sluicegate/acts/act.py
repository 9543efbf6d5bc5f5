"""Acts: what one is, what it is asked with, and what it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from sluicegate.acts.growth import Bound
from sluicegate.bounds import ACT_BODY_MAX
from sluicegate.errors import Unauthorized
from sluicegate_record.form import Exact, Form, form
from sluicegate_record.log import canonical

DEVELOPER, AGENCY, APPLICANT, GATEWAY = "developer", "agency", "applicant", "gateway"
PERSON = "person"
"""A member of an organization, by a private link."""
PEOPLE = frozenset({DEVELOPER, AGENCY, APPLICANT})
"""The roles of people who use pages."""
ROLES = (DEVELOPER, AGENCY, APPLICANT, GATEWAY, PERSON)
COMMAND_ID_LEAST, COMMAND_ID_MOST = 8, 64
"""How many characters a command id has."""
ANYONE: frozenset[str] = frozenset()
"""Acts of these roles need no token."""


@form
class Arguments(Exact):
    """What an act is asked with. A field that it does not know is refused."""

    @property
    def counted_alone(self) -> bool:
        """Whether an act that is asked so is counted for who asks alone, and not for their organization."""
        return False


@form
class ActAnswer(Form):
    """What an act answers. A newer control plane may answer with more; that is kept, and printed in JSON.

    A field that a later build adds has a default, so that it reads the answers of an earlier one.
    """


@form
class Done(ActAnswer):
    """The answer of a command. `size` counts the entries of the log with what the command appended.

    It is 0 until that is durable.
    """

    size: int = 0


Asked = TypeVar("Asked", bound=Arguments)
Answered = TypeVar("Answered", bound=ActAnswer)
Kind = Literal["question", "look", "secret", "command"]
"""`question`: a GET. `look`: a POST that changes nothing. `command`: a POST that is done once for its id.

`secret`: a POST that makes a secret, which is in its answer only. It has no id, and is not sent again.
"""


Effect = Literal["any", "ends", "narrows", "directs"]
"""What an act does with what others have.

`ends`: it ends what was counted when it began, so no count refuses it. `narrows`: it ends access, too. So it
has a lane of its own, goes before what is due, and is done also while the disk is nearly full or the clock in
doubt. `directs`: as `narrows`, if `core.lifecycle.narrows` says so of what it states. `any`: anything else.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Act(Generic[Asked, Answered]):
    """One row.

    `path` has the keys of some arguments in braces. The others are in the query of a question, and in the
    JSON body otherwise. `help` is the help line.
    """

    name: str
    roles: frozenset[str]
    kind: Kind
    path: str
    asked: type[Asked]
    answered: type[Answered]
    help: str
    bound: Bound | None = None
    """What bounds how much it can write; None if it writes nothing, or only staff may do it."""
    body_max: int = ACT_BODY_MAX
    """How many bytes its body may have."""
    effect: Effect = "any"
    for_administrators: bool = False
    """Whether only those of its roles may do it who administer their organization."""
    weight: int = 1
    """For how many requests it counts at the pace of a stranger's address."""

    @property
    def ends(self) -> bool:
        """Whether it ends something, whatever it states."""
        return self.effect in {"ends", "narrows"}

    @property
    def is_order(self) -> bool:
        """Whether it takes access away at once, or may."""
        return self.effect in {"narrows", "directs"}

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "GET" if self.kind == "question" else "POST"

    @property
    def places(self) -> tuple[str, ...]:
        """The keys of the arguments that are in the path."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    def check(self, role: str, *, administers: bool) -> None:
        """Check that anyone may do it, or who has a role, and administers an organization where it is for
        administrators. Raises: Unauthorized: code `forbidden`.
        """
        if self.roles and role not in self.roles:
            allowed = ", ".join(sorted(self.roles))
            raise Unauthorized(
                f"a token of the role {role!r} may not do {self.name!r}, expected one of {allowed}",
                code="forbidden",
                remedy="set SLUICEGATE_TOKEN to a token of that role; the developer's staff makes them",
            )
        if self.for_administrators and not administers:
            raise not_administrator()


AnyAct = Act[Any, Any]


def not_administrator() -> Unauthorized:
    """Why someone who is no administrator does not do something."""
    return Unauthorized(
        "only administrators of your organization say who comes in, and whose access ends",
        code="forbidden",
        remedy="ask one of them: 'sluicegate colleague list' shows who they are",
    )


class AskAct(Protocol):
    """Asks an act, for someone."""

    def __call__(self, act: Act[Asked, Answered], asked: Asked) -> Answered:
        """What it answers. Raises: an error that ends what is asked for, if the act refuses."""
        ...


class AskOnce:
    """Asks each act once with the same arguments, however many want its answer, until `forget`."""

    def __init__(self, ask: AskAct) -> None:
        self._ask = ask
        self._answers: dict[tuple[str, bytes], Any] = {}

    def __call__(self, act: Act[Asked, Answered], asked: Asked) -> Answered:
        """As `AskAct`."""
        key = (act.name, canonical.dumps(asked.to_json()))
        if key not in self._answers:
            self._answers[key] = self._ask(act, asked)
        found: Answered = self._answers[key]
        return found

    def forget(self) -> None:
        """Ask again what was asked before: something may have been done since."""
        self._answers.clear()


@form
class Nothing(Arguments):
    """No argument."""
