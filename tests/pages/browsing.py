"""A reader of pages without a browser: signed in by a token, who sends what a form has, or anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2

from tests.control.conftest import Plane

FORM = re.compile(r'name="_form" value="([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True)
class Reading:
    """Somebody who is signed in. `form` is what their forms carry."""

    plane: Plane
    client: httpx2.Client
    form: str

    def get(self, path: str) -> httpx2.Response:
        """A page, as a browser asks for it."""
        return self.client.get(path, headers={"accept": "text/html"})

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> httpx2.Response:
        """What a form sends; `fields` may have another token of a form, `headers` another origin."""
        return self.client.post(
            path, data={"_form": self.form, **fields}, headers={"origin": self.plane.url, **headers}
        )


@contextmanager
def reading(plane: Plane, role: str, name: str) -> Iterator[Reading]:
    """Somebody signs in by their token."""
    with plane.client() as client:
        came = client.post(
            "/sign-in/token", data={"token": plane.token(role, name)}, headers={"origin": plane.url}
        )
        assert came.status_code == 303, came.text
        (form,) = set(FORM.findall(client.get("/account").text))
        yield Reading(plane, client, form)
