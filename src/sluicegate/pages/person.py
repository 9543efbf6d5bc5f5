"""The page behind a person's private link: what is claimed of their status, and a correction.

Rules:
- It is the same for everyone: the token is in the link's fragment, which no browser sends anywhere. The
  page's script asks the acts of `acts/person.py` with it.
- No link leads away from it or into it, nothing is kept, and no form is sent: a link or a form would lose the
  fragment, or put what a person says into an address.
"""

from __future__ import annotations

from collections.abc import Mapping

from sluicegate.pages import site

PATH = "/person"
HEADERS: Mapping[str, str] = {
    **site.HEADERS,
    "content-security-policy": site.policy(forms="'none'"),
    "cache-control": "no-store",
}


def document() -> bytes:
    """The page."""
    return site.render("person.html", {})
