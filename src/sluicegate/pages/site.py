"""The site: templates, and the files that every page uses. Nothing comes from elsewhere.

Rules:
- Templates escape all that they show. A name that they do not know is an error, not an empty text.
- No script and no style is in a page: they are files, named by their digest, which anyone may keep for ever.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from importlib import resources
from typing import Any, NamedTuple

import jinja2

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER
from sluicegate.pages import forms, frame, words

ASSETS = "/assets"
_KINDS = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_IMPORTED = re.compile(rb'"\./([\w.-]+\.js)"')
"""How a script names another one."""


def policy(forms: str) -> str:
    """The content security policy of a page. `forms` is where it may send forms."""
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        f"form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
    )


HEADERS: Mapping[str, str] = {
    "content-security-policy": policy(forms="'self'"),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""The headers of every page."""


class Asset(NamedTuple):
    """A file that pages use."""

    path: str
    body: bytes
    kind: str


def in_order(bodies: Mapping[str, bytes]) -> Iterable[str]:
    """The names of files, each after those that it imports. Raises: CycleError: they import each other."""
    imports = {name: {each.decode() for each in _IMPORTED.findall(body)} for name, body in bodies.items()}
    return TopologicalSorter(imports).static_order()


def _assets() -> dict[str, Asset]:
    """The files by their names. A script that imports others does so by the paths that they have here."""
    folder = resources.files(__package__).joinpath("assets")
    bodies = {each.name: each.read_bytes() for each in folder.iterdir()}
    found: dict[str, Asset] = {}
    for name in in_order(bodies):
        stem, _, suffix = name.rpartition(".")
        body = _IMPORTED.sub(lambda each: f'"{found[each[1].decode()].path}"'.encode(), bodies[name])
        named = f"{stem}.{hashlib.sha256(body).hexdigest()[:16]}.{suffix}"
        found[name] = Asset(f"{ASSETS}/{named}", body, _KINDS[suffix])
    return found


ASSETS_BY_NAME: Mapping[str, Asset] = _assets()
ASSETS_BY_PATH: Mapping[str, Asset] = {each.path: each for each in ASSETS_BY_NAME.values()}


OF_ROLE: Mapping[str, tuple[tuple[str, str], ...]] = {
    DEVELOPER: (
        ("/board", "Board"),
        ("/cases", "Cases"),
        ("/plan", "Plan"),
        ("/directives", "Directives"),
        ("/to-sign", "To sign"),
        ("/acts", "All you can do"),
    ),
    AGENCY: (("/acts", "All you can do"),),
    APPLICANT: (("/applications", "Your applications"), ("/acts", "All you can do")),
}
"""The pages of each role that are named on top of all its pages. The first is where it begins."""


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("sluicegate.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["asset"] = lambda name: ASSETS_BY_NAME[name].path
    made.globals["new_name"] = lambda: f"form_{secrets.token_hex(16)}"
    made.globals["pages_of"] = lambda role: OF_ROLE.get(role, ())
    made.globals["title_of"] = forms.title
    made.globals["rest_of"] = forms.rest
    made.globals["frame"] = frame.CONTROL
    made.filters |= {**words.FILTERS, "on_pages": forms.on_pages}
    return made


_ENVIRONMENT = _environment()


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """A page in UTF-8."""
    return _ENVIRONMENT.get_template(template).render(values).encode()
