"""Annexes as offices send them: matched, listed with what may have been meant, or refused in place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import EXAMPLES, Plane
from tests.cli.commands import plane as running_plane
from tests.cli.test_directives import OFFICERS, RELEASE, STAGE, admitted, decided, keys, written

NAME = "O'Example-Brown Labs, Inc."
LEI = "00000EXAMPLELABS0163"
MATCHED = {
    "exact": f'organization\n"{NAME}"\n'.encode(),
    "curly-apostrophe": b'organization\n"O\xe2\x80\x99Example-Brown Labs, Inc."\n',
    "non-breaking-hyphen": b'organization\n"O\'Example\xe2\x80\x91Brown Labs, Inc."\n',
    "no-comma": b"organization\nO'Example-Brown Labs Inc.\n",
    "semicolons": f"organization;note\n{NAME};one\n".encode(),
    "header-capital": f'Organization,note\n"{NAME}",one\n'.encode(),
    "empty-last-line": f'organization,note\n"{NAME}",one\n\n'.encode(),
    "utf-16": f"organization\tnote\n{NAME}\tone\n".encode("utf-16"),
    "by-lei": f"LEI\n{LEI.lower()}\n".encode(),
    "by-registry": b"organization,registry\nExample Stranger,us-de 12345\n",
    "by-alias": b"organization\nOEB\n",
    "office-knows-an-alias": f'organization,alias\nOEB Holding,"OEB Group | {NAME}"\n'.encode(),
}
LISTED = {
    "aka": f'organization\n"{NAME} (a.k.a. OEB)"\n'.encode(),
    "cyrillic-e-and-a": 'organization\n"O\'\u0415x\u0430mple-Brown L\u0430bs, Inc."\n'.encode(),
}
REFUSED = {
    "windows-1252": (b"organization,note\nExample Utility,one\nExample Grid Operator,caf\xe9\n", "3:26"),
    "lei-check-digits": (f"organization,lei\n,{LEI[:-1]}4\n".encode(), "2:2"),
    "another-column": (b"organization;since;note\nA;2020;x\n", "1:14"),
    "a-cell-more": (b"organization,note\nA,x\nB,x,y\n", "3:1"),
}


@pytest.fixture(scope="module")
def plane(cli, tmp_path_factory) -> Iterator[Plane]:
    with running_plane(cli, tmp_path_factory.mktemp("annexes")) as made:
        for case in made.answer("apply", EXAMPLES / "gpt-5.6-preview.yaml")["cases"]:
            decided(made, case)
        made.answer("stage", "open", RELEASE, STAGE, "--key", made.key(OFFICERS[0]))
        file = made.folder / "labs.yaml"
        more = f"aliases: [OEB]\nlei: {LEI}\nregistry: [US-DE 0012345]\n"
        file.write_text(f'name: "{NAME}"\nregisteredIn: US\n{more}')
        admitted(made, file)
        yield made


def annexed(plane: Plane, name: str, data: bytes, part: str = "covers") -> Path:
    """A directive with an annex, as `../shared/cases/annexes` has them."""
    (plane.folder / f"{name}.csv").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    annexes = f'  annexes: {{a: {{file: {name}.csv, digest: "sha256:{digest}"}}}}\n'
    if part == "covers":
        return written(plane, name, "{annexes: [a]}", more=annexes)
    return written(plane, name, "everyone", more="  except: {annexes: [a]}\n" + annexes)


def enforced(plane: Plane, file: Path, name: str) -> Any:
    """What `preview`, `issue` and `status` say of the same directive, which is lifted again."""
    shown = plane.answer("directive", "preview", file)
    done = plane.answer("directive", "issue", file, *keys(plane, "oncd"))
    stands = plane.answer("directive", "status", name)
    plane.answer("directive", "lift", name, *keys(plane, "oncd"))
    return shown, done, stands


@pytest.mark.parametrize("case", MATCHED)
def test_what_means_an_organization_covers_it(plane: Plane, case: str) -> None:
    shown, done, stands = enforced(plane, annexed(plane, case, MATCHED[case]), case)
    assert (shown["covered"]["credentials"], shown["unmatched"]) == (1, 0)
    assert (done["covered"]["credentials"], done.get("unmatched", 0), stands["unmatched"]) == (1, 0, 0)


@pytest.mark.parametrize("case", [each for each in MATCHED if each != "by-alias"])
def test_what_means_an_organization_excepts_it(plane: Plane, case: str) -> None:
    name = f"but-{case}"
    shown, done, stands = enforced(plane, annexed(plane, name, MATCHED[case], "except"), name)
    assert (shown["spared"]["credentials"], shown["unmatched"]) == (1, 0)
    assert (done["spared"]["credentials"], stands["unmatched"]) == (1, 0)


@pytest.mark.parametrize("part", ["covers", "except"])
@pytest.mark.parametrize("case", LISTED)
def test_what_matches_no_one_is_listed_wherever_it_is_asked(plane: Plane, case: str, part: str) -> None:
    name = f"{part}-{case}"
    file = annexed(plane, name, LISTED[case], part)
    previewed = plane("directive", "preview", file).out
    for answer in enforced(plane, file, name):
        (unmatched,) = answer["unmatchedNames"]
        assert (answer["unmatched"], unmatched["nearest"]) == (1, [NAME.lower()])
        assert bool(unmatched["lookAlikes"]) == case.startswith("cyrillic")
    for told in (previewed, plane("directive", "status", name).out):
        assert f"similar names here: {NAME.lower()}" in told
        assert ("cyrillic small letter a" in told) == case.startswith("cyrillic")
    assert ("warning: the exception annexes/a spares no one" in previewed) == (part == "except")


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_annex_is_refused_where_it_is_wrong(plane: Plane, case: str) -> None:
    data, place = REFUSED[case]
    refused = plane.error("directive", "preview", annexed(plane, case, data))
    (at,) = refused["at"]
    assert f"{at['line']}:{at['column']}" == place
