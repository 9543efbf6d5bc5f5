"""What the steps of the story share: the site, the plans and the order, and who holds which key so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from demo.cast import Customer, Newcomer
from demo.paperwork import Credential, Paperwork
from demo.site import Site


@dataclass(slots=True)
class Scene:
    """The running site, its paperwork, and connections to its gateway and upstream.

    `plans` are the dated plans, `general` comes after the first of them, `order` is the text of a directive.
    The steps fill `cases` and `credentials`, by the customer's slug.
    """

    site: Site
    paperwork: Paperwork
    gateway: httpx2.Client
    upstream: httpx2.Client
    plans: list[Path]
    general: Path
    order: str
    cases: dict[str, str] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)

    def key(self, customer: Customer | Newcomer) -> str:
        """A customer's API key."""
        return self.credentials[customer.slug].key
