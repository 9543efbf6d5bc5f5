"""The reasons for which a request is refused: one table that drives status, text, remedy and docs.

The order of `Reason` is the order of precedence: if several reasons hold, the caller gets the first (DESIGN
4.3). A `Deny` is a value. It says only what its reader may know: no names, no person's status.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sluicegate.core.access.programmes import LackedProgramme


class Reason(StrEnum):
    """Why a request is refused, in order of precedence."""

    CREDENTIAL_MISSING = "credential_missing"
    GATE_STALE = "gate_stale"
    GATE_CLOCK_DIFFERS = "gate_clock_differs"
    CREDENTIAL_UNKNOWN = "credential_unknown"
    CREDENTIAL_REVOKED = "credential_revoked"
    CREDENTIAL_EXPIRED = "credential_expired"
    GATE_BUSY = "gate_busy"
    REQUEST_INVALID = "request_invalid"
    REQUEST_TOO_LARGE = "request_too_large"
    UPGRADE_REQUIRED = "upgrade_required"
    MODEL_NOT_FOUND = "model_not_found"
    DIRECTIVE_IN_FORCE = "directive_in_force"
    STAGE_NOT_OPEN = "stage_not_open"
    DEPLOYMENT_UNATTESTED = "deployment_unattested"
    GRANT_REMOVED = "grant_removed"
    GRANT_SUSPENDED = "grant_suspended"
    GRANT_EXPIRED = "grant_expired"
    NOT_PROVISIONED = "not_provisioned"
    APPLICATION_PENDING = "application_pending"
    SURFACE_NOT_GRANTED = "surface_not_granted"
    NOT_ADMITTED = "not_admitted"
    PROGRAMME_NOT_GRANTED = "programme_not_granted"
    PERSON_REQUIRED = "person_required"
    EXPOSURE_REACHED = "exposure_reached"
    QUOTA_EXCEEDED = "quota_exceeded"


_IN_ORDER = tuple(Reason)
OF_KNOWN_MODELS = frozenset(_IN_ORDER[_IN_ORDER.index(Reason.MODEL_NOT_FOUND) + 1 :])
"""The reasons that are given only for a model that the caller may know of."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a reason appears in a response: HTTP status, one sentence, what the caller can do, and whether its
    program may try again by itself.
    """

    status: int
    text: str
    remedy: str
    may_retry: bool = False


REASONS: dict[Reason, Explanation] = {
    Reason.CREDENTIAL_MISSING: Explanation(
        401,
        "no API key was given",
        "send your key as 'Authorization: Bearer …' or as 'x-api-key'",
    ),
    Reason.GATE_STALE: Explanation(
        503,
        "this gateway has had no fresh word from its control plane and refuses every model until it has",
        "try again as Retry-After says; if it lasts, tell the operator of this gateway",
        may_retry=True,
    ),
    Reason.GATE_CLOCK_DIFFERS: Explanation(
        503,
        "this gateway's clock differs from its control plane's, and it refuses every model until they agree",
        "tell the operator of this gateway: its metrics show by how much; then try again",
    ),
    Reason.CREDENTIAL_UNKNOWN: Explanation(
        401,
        "this API key is not known here",
        "check the key for typing errors, or ask your organization's administrator for a new one",
    ),
    Reason.CREDENTIAL_REVOKED: Explanation(
        401,
        "this API key has been revoked",
        "ask your organization's administrator for a new key",
    ),
    Reason.CREDENTIAL_EXPIRED: Explanation(
        401,
        "this API key has expired",
        "ask your organization's administrator for a new key",
    ),
    Reason.GATE_BUSY: Explanation(
        503,
        "this gateway waits for the rest of so many large requests that it takes no further one",
        "wait as long as Retry-After says, and send the whole request at once",
    ),
    Reason.REQUEST_INVALID: Explanation(
        400,
        "the request cannot be read in exactly one way",
        "correct the request as described and send it again",
    ),
    Reason.REQUEST_TOO_LARGE: Explanation(
        413,
        "the request is larger than this endpoint takes",
        "send less at once: fewer pictures, or smaller ones",
    ),
    Reason.UPGRADE_REQUIRED: Explanation(
        426,
        "this gateway does not speak WebSocket; it answers by HTTP and server-sent events",
        "send the request by HTTP/1.1 as a POST",
    ),
    Reason.MODEL_NOT_FOUND: Explanation(
        404,
        "the model does not exist",
        "GET /v1/models lists the models you may use",
    ),
    Reason.DIRECTIVE_IN_FORCE: Explanation(
        403,
        "access to this model is suspended by a directive that covers you",
        "GET /api/v1/directives/NAME of the control plane tells anyone who ordered it, and why; "
        "'sluicegate directive affected NAME' tells your administrator how many of your people it covers "
        "and what would settle those of unknown status; "
        "'sluicegate licence request NAME' asks for an exception",
    ),
    Reason.STAGE_NOT_OPEN: Explanation(
        403,
        "this release is not open yet",
        "follow the status of the release; nothing you send now will be answered",
    ),
    Reason.DEPLOYMENT_UNATTESTED: Explanation(
        403,
        "no signature that this gateway can check says that what answers here is what was agreed to",
        "nothing is wrong with your request: tell the developer's staff; "
        "'sluicegate deployment show RELEASE' says what they have signed, and until when, "
        "and the trust file of a gateway may not agree with the record",
    ),
    Reason.GRANT_REMOVED: Explanation(
        403,
        "your organization's grant for this model was removed",
        "the removal's case says why, and until when it can be appealed",
    ),
    Reason.GRANT_SUSPENDED: Explanation(
        403,
        "your organization's grant for this model is suspended",
        "ask the developer's staff what would let it go on; the reason code is in the record",
    ),
    Reason.GRANT_EXPIRED: Explanation(
        403,
        "your organization's grant for this model has expired",
        "apply again; before it ends, 'sluicegate application amend GRANT' renews a grant",
    ),
    Reason.NOT_PROVISIONED: Explanation(
        403,
        "your organization is admitted, but this API key was not issued under that grant",
        "issue a key under the grant for this model and surface and use that one",
    ),
    Reason.APPLICATION_PENDING: Explanation(
        403,
        "your organization's application for this model is still under review",
        "see the application for who is awaited",
    ),
    Reason.SURFACE_NOT_GRANTED: Explanation(
        403,
        "your organization is admitted to this model on another surface, not on this one",
        "each surface is approved by itself: apply for this one",
    ),
    Reason.NOT_ADMITTED: Explanation(
        403,
        "your organization is not admitted to this model",
        "apply for the release; your key goes on working for the models you were granted",
    ),
    Reason.PROGRAMME_NOT_GRANTED: Explanation(
        403,
        "the request asks for a programme that its grant does not have",
        "leave it out, or ask for 'standard'; 'sluicegate grant show GRANT' lists what your grant has, and "
        "'sluicegate application amend GRANT --programme …' asks its agencies for another",
    ),
    Reason.PERSON_REQUIRED: Explanation(
        403,
        "a directive asks that every request to this model names its person, a registered member",
        "send 'safety_identifier' (OpenAI) or 'metadata.user_id' (Anthropic) or a signed assertion, or use a "
        "key bound to a member; your administrator registers members: "
        "'sluicegate member add --grant GRANT --identifier IDENTIFIER'",
    ),
    Reason.EXPOSURE_REACHED: Explanation(
        429,
        "the requests that this stage of the release may answer in a day, for all who use it, are used up",
        "try again when Retry-After is over: a new day begins at 00:00 UTC; the status of the release shows "
        "how many a day its plan allows",
    ),
    Reason.QUOTA_EXCEEDED: Explanation(
        429,
        "the number of requests per minute agreed for your grant is used up",
        "wait as long as Retry-After says",
        may_retry=True,
    ),
}
_LICENCE = "; 'sluicegate licence request "
"""What is left out of a remedy where no licence would help."""
STALE_RETRY_S = 5
"""How long to wait where a lease has ended: a gateway asks for another one all the time."""


class Deny(NamedTuple):
    """A refusal.

    `detail` replaces the table's sentence if the fault is in the request. `by_order` says that the
    directive's basis is an order, which changes its status to 451. `programme` says why one is not granted.
    `may_be_excepted`: without the directive the key would have access, so that a licence would help.
    Units: `retry_after_s` seconds, 1 to 60, or to the end of a day that is used up; None if waiting does not
    help.
    """

    reason: Reason
    detail: str = ""
    directive: str | None = None
    by_order: bool = False
    application: str | None = None
    fallback: str | None = None
    retry_after_s: int | None = None
    programme: LackedProgramme | None = None
    may_be_excepted: bool = True

    @property
    def status(self) -> int:
        """The HTTP status."""
        if self.reason is Reason.DIRECTIVE_IN_FORCE and self.by_order:
            return 451
        return REASONS[self.reason].status

    @property
    def may_retry(self) -> bool:
        """Whether a program may try again by itself, after `wait_s`."""
        return REASONS[self.reason].may_retry

    @property
    def wait_s(self) -> int | None:
        """How long to wait before that, in seconds; None if waiting does not help."""
        return STALE_RETRY_S if self.reason is Reason.GATE_STALE else self.retry_after_s

    @property
    def text(self) -> str:
        """One sentence for the caller."""
        return self.detail or REASONS[self.reason].text

    @property
    def remedy(self) -> str:
        """What the caller can do."""
        said = REASONS[self.reason].remedy.replace("NAME", self.directive or "NAME")
        return said if self.may_be_excepted else said.partition(_LICENCE)[0]
