"""The file that says by which identity providers people sign in: one table of TOML for each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sluicegate.acts.act import AGENCY, PEOPLE
from sluicegate.cli import settings_files
from sluicegate.errors import InvalidInput
from sluicegate.settings import SCOPE, PersonRule, SignInProvider

_NEEDED = {"title", "issuer", "client_id", "client_secret_file", "people"}
_MORE = {"scope", "ca_file"}
_PERSON, _OF_AGENCY = {"claim", "is", "role", "name"}, {"party"}
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)


def read(path: Path | None) -> tuple[SignInProvider, ...]:
    """The providers in a file. Names of files in it are beside it. Raises: InvalidInput."""
    if path is None:
        return ()
    found = settings_files.tables(path, "identity providers")
    return tuple(_provider(path, name, given) for name, given in found.items())


def _provider(path: Path, name: str, given: Any) -> SignInProvider:
    from sluicegate.signin import provider  # noqa: PLC0415 - a server's import

    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{path}: [{name[:40]}], expected a name in small letters, digits and '-'")
    _check(path, f"[{name}]", given, _NEEDED, _MORE)
    people = given["people"]
    if not isinstance(people, list) or not people:
        raise InvalidInput(f"{path}: [[{name}.people]] expected, one for each who may sign in")
    if not provider.is_safe(given["issuer"]):
        raise InvalidInput(f"{path}: the issuer {str(given['issuer'])[:80]!r}, expected one by https")
    ca_file = given.get("ca_file")
    return SignInProvider(
        name,
        given["title"],
        given["issuer"],
        given["client_id"],
        settings_files.secret(path.parent / given["client_secret_file"], "an identity provider"),
        tuple(_person(path, name, each) for each in people),
        given.get("scope", SCOPE),
        None if ca_file is None else path.parent / ca_file,
    )


def _person(path: Path, name: str, given: Any) -> PersonRule:
    where = f"[[{name}.people]]"
    _check(path, where, given, _PERSON, _OF_AGENCY)
    if given["role"] not in PEOPLE:
        said = f"{path}: {where} with the role {given['role'][:40]!r}"
        raise InvalidInput(said, remedy=f"expected one of {', '.join(sorted(PEOPLE))}")
    if (given["role"] == AGENCY) != ("party" in given):
        said = f"{path}: {where} of {given['name'][:64]!r}, with the role {given['role']!r}"
        if given["role"] == AGENCY:
            raise InvalidInput(f"{said} and no party", remedy='say which agency: party = "oncd"')
        raise InvalidInput(f"{said} and a party", remedy="only a person of an agency has one: leave it out")
    return PersonRule(given["claim"], given["is"], given["role"], given["name"], given.get("party"))


def _check(path: Path, where: str, given: Any, needed: set[str], more: set[str]) -> None:
    """Check that a table has what it needs, and texts. Raises: InvalidInput."""
    known = isinstance(given, Mapping) and needed <= given.keys() <= needed | more
    texts = known and all(isinstance(each, str) and each for key, each in given.items() if key != "people")
    if not texts:
        said = f"{path}: {where} expected with texts for {', '.join(sorted(needed - {'people'}))}"
        raise InvalidInput(f"{said}; it may have {', '.join(sorted(more))}")
