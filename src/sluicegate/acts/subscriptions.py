"""Acts on subscriptions: get notices by webhook or e-mail, and what could not be delivered."""

from __future__ import annotations

from typing import Annotated, Literal

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, Act, ActAnswer, Arguments, Nothing
from sluicegate.acts.fields import ShortText, text
from sluicegate.acts.growth import ENDS, daily
from sluicegate.acts.paging import Paging
from sluicegate.targets import TARGET_MAX
from sluicegate_record.form import Note, Time, form

ALL = frozenset({DEVELOPER, AGENCY, APPLICANT})
Target = Annotated[str, text(1, TARGET_MAX), Note("The URL of a webhook, or a mail address.")]


@form
class SubscriptionRequest(Arguments):
    """Where to send notices."""

    kind: Literal["webhook", "email"]
    target: Target


@form
class SubscriptionView(ActAnswer):
    """Where notices go. `state` is `active`; `unconfirmed`, and nothing goes there yet; or `gone` if the
    receiver wants nothing more.
    """

    subscription: str
    kind: str
    target: str
    state: str
    since_ms: Time


@form
class NewSubscription(SubscriptionView):
    """A new subscription. The secret of a webhook is in this answer only."""

    secret: str | None = None


ADD = Act(
    "subscription.add",
    ALL,
    "command",
    "/api/v1/subscriptions",
    SubscriptionRequest,
    NewSubscription,
    "Get a notice of everything that happens in the cases you may see. A webhook's secret is shown once; an "
    "address gets a code first, to confirm that it is yours.",
    daily("subscriptions"),
)


@form
class AddressCode(Arguments):
    """The code that was sent to the address of a subscription."""

    subscription: Annotated[str, Note("The subscription, such as sub_….")]
    code: Annotated[ShortText, Note("The code from the letter.")]


CONFIRM = Act(
    "subscription.confirm",
    ALL,
    "command",
    "/api/v1/subscriptions/{subscription}/confirm",
    AddressCode,
    SubscriptionView,
    "Confirm that a mail address is yours, with the code that was sent to it within the last day.",
    daily("subscriptions"),
)


@form
class SubscriptionFilter(Paging):
    """Which of the caller's subscriptions."""

    kind: Annotated[str | None, Note("webhook | email")] = None
    state: Annotated[str | None, Note("active | unconfirmed | gone")] = None


@form
class Subscriptions(ActAnswer):
    """A page of the caller's subscriptions, oldest first."""

    subscriptions: tuple[SubscriptionView, ...]
    next: str | None = None


LIST = Act(
    "subscription.list",
    ALL,
    "question",
    "/api/v1/subscriptions",
    SubscriptionFilter,
    Subscriptions,
    "List your subscriptions, oldest first.",
)


@form
class SubscriptionArgument(Arguments):
    """Which subscription."""

    subscription: Annotated[str, Note("The subscription, such as sub_….")]


@form
class SubscriptionEnd(ActAnswer):
    """A subscription that is removed."""

    subscription: str
    removed: bool


REMOVE = Act(
    "subscription.remove",
    ALL,
    "command",
    "/api/v1/subscriptions/{subscription}/remove",
    SubscriptionArgument,
    SubscriptionEnd,
    "End a subscription. Letters that wait for it are deleted.",
    ENDS,
    effect="ends",
)


@form
class TrialLetter(ActAnswer):
    """A letter with the topic `test`, on its way."""

    subscription: str
    letter: str


TRY = Act(
    "subscription.test",
    ALL,
    "command",
    "/api/v1/subscriptions/{subscription}/test",
    SubscriptionArgument,
    TrialLetter,
    "Send a test letter, to see whether it arrives.",
    daily("subscriptions"),
)


@form
class DeadLetter(ActAnswer):
    """A letter that could not be delivered. `case` is null if it is about none."""

    letter: str
    subscription: str
    target: str
    topic: str
    at_ms: Time
    case: str | None
    attempts: int
    error: str


@form
class DeadLetters(ActAnswer):
    """What could not be delivered to the caller, oldest first."""

    letters: tuple[DeadLetter, ...]


DEAD = Act(
    "subscription.dead",
    ALL,
    "question",
    "/api/v1/subscriptions/dead",
    Nothing,
    DeadLetters,
    "List the letters that could not be delivered to you, oldest first.",
)


@form
class ReplayRequest(Arguments):
    """Which dead letter to send again; without one, all of the caller's."""

    letter: (
        Annotated[ShortText, Note("A dead letter, such as msg_…; 'sluicegate notify dead' lists them.")]
        | None
    ) = None


@form
class ReplayedLetters(ActAnswer):
    """How many dead letters are sent again."""

    replayed: int


REPLAY = Act(
    "subscription.replay",
    ALL,
    "command",
    "/api/v1/subscriptions/dead/replay",
    ReplayRequest,
    ReplayedLetters,
    "Send dead letters again: one, or all. If their subscription had stopped, it starts again.",
    daily("subscriptions"),
)
