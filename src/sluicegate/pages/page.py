"""What a page is: the act it shows, what more it asks, and the template or document that it becomes.

Rules:
- What a page is asked with are the arguments of its act, read as strictly as those of a request for it.
- A page asks acts, and only them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from sluicegate.acts.act import Act, ActAnswer, Answered, AnyAct, AskAct, Asked
from sluicegate.errors import InvalidInput, Unauthorized
from sluicegate.ports import Principal
from sluicegate_record.form import Json


def address_unknown(said: str) -> Unauthorized:
    """The error of a request by a name that no operator has said and that is not this machine's."""
    return Unauthorized(
        said,
        code="address_unknown",
        remedy="say where people reach the pages: start it with --url https://…",
    )


@dataclass(frozen=True, slots=True)
class PagePlace:
    """Where a page is: its origin, such as `https://gate.example`, and the rest.

    The origin is what an operator says, or a name of this machine; empty if its reader came by another name.
    """

    origin: str
    path: str
    query: str

    def link(self, path: str = "") -> str:
        """A path of this server as a link that counts elsewhere.

        Raises: Unauthorized: it is not known by which name people reach it. No request decides a link.
        """
        if not self.origin:
            said = "this server does not know by which name people reach it, so it writes no links"
            raise address_unknown(said)
        return f"{self.origin}{path}"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is signed in and looks at a page: their role and name, what their forms carry, and the id of the
    session. `administers`: they are an administrator of their organization.
    """

    role: str
    name: str
    party: str | None
    form_token: str
    administers: bool
    session: str

    def may(self, act: AnyAct) -> bool:
        """Whether this is one of their acts."""
        return self.role in act.roles and (self.administers or not act.for_administrators)

    @classmethod
    def of(cls, principal: Principal, form_token: str, session: str) -> Reader:
        """A principal as their pages show them."""
        who = (principal.role, principal.name, principal.party)
        return cls(*who, form_token, principal.administers, session)


@dataclass(frozen=True, slots=True)
class View(Generic[Asked, Answered]):
    """A look at a page: where, with what its act was asked, and what it answered. `ask` asks more.

    `reader` is None for a page that anyone may read. `path` has the parts of the path that are in braces.
    `given` is what was written in a form of it that was refused.
    """

    place: PagePlace
    asked: Asked
    found: Answered
    ask: AskAct
    reader: Reader | None = None
    path: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filled:
    """A template, and what it shows. `is_written`: its reader writes on it, and comes back to that."""

    template: str
    values: Mapping[str, Any]
    is_written: bool = False


@dataclass(frozen=True, slots=True)
class MadePage:
    """A whole document of a media type. `is_written` as of `Filled`."""

    body: bytes
    kind: str
    is_written: bool = False


@dataclass(frozen=True, slots=True)
class SitePage(Generic[Asked, Answered]):
    """One page. `path` has the keys of some arguments of its act in braces.

    One that is not public is for those who are signed in, in one of its `roles`, or else in one of its act.
    What its act requires is in its path, or it has an `empty` form.
    """

    path: str
    act: Act[Asked, Answered]
    show: Callable[[View[Asked, Answered]], Filled | MadePage]
    is_public: bool = False
    """Whether anyone may read it: then its acts answer as a stranger may know, whatever their roles."""
    asks: int = 1
    """How many acts it asks, about, if that is not one."""
    roles: frozenset[str] = frozenset()
    empty: Callable[[AskAct], Filled] | None = None
    """The page before what its act requires is said in its form."""

    @property
    def weight(self) -> int:
        """For how many requests it counts at the pace of a stranger's address."""
        return self.act.weight * self.asks


@dataclass(frozen=True, slots=True)
class FormLook:
    """A look at the form of an act that has a page of its own: what was written in it, what the act answered
    or what is wrong. `ask` asks more. `origin` is that of the pages.
    """

    given: Mapping[str, str]
    answer: ActAnswer | None
    fault: Mapping[str, Any] | None
    ask: AskAct
    origin: str


ShowForm = Callable[[FormLook], Filled]
"""What an act shows that has a page of its own. Other acts have one that is made from their row."""


Sent = Mapping[str, Sequence[str]]
"""The fields of a form, each with its values."""


def one(sent: Sent, name: str) -> str:
    """The one value of a field; empty if it is not there. Raises: InvalidInput: it is there twice."""
    values = sent.get(name, ("",))
    if len(values) != 1:
        raise InvalidInput(f"{name[:80]}: stated twice", remedy="load the page again")
    return values[0]


def first(sent: Sent) -> dict[str, str]:
    """What is written in the fields of a form: the values of one, each on a line."""
    return {key: "\n".join(values) for key, values in sent.items()}


@dataclass(frozen=True, slots=True)
class Sending:
    """What a form sends that a page composes: the parts of its path, its fields. `ask` asks more."""

    path: Mapping[str, str]
    sent: Sent
    ask: AskAct

    def text(self, name: str) -> str:
        """The one value of a field, as `one`."""
        return one(self.sent, name)


@dataclass(frozen=True, slots=True)
class ComposedForm(Generic[Answered]):
    """A form of a page whose fields are not those of its act: what its act is asked with is composed of them.

    It is on the page of its path, which shows it again if it is refused. `then` is where its sender goes when
    it is done.
    """

    path: str
    act: Act[Any, Answered]
    compose: Callable[[Sending], Mapping[str, Json]]
    then: Callable[[Sending, Answered], str]
