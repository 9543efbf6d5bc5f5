"""What the steps of the story share: the site, the plans and the order, and who holds which key so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from demo.cast import Customer
from demo.paperwork import Credential, Paperwork
from demo.site import Site


@dataclass(slots=True)
class Scene:
    """The running site and its paperwork; `plans` are the dated plans, `order` the text of a directive.

    The steps fill `cases` and `credentials`, by the customer's slug.
    """

    site: Site
    paperwork: Paperwork
    plans: list[Path]
    order: str
    cases: dict[str, str] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)

    def key(self, customer: Customer) -> str:
        """A customer's API key."""
        return self.credentials[customer.slug].key
