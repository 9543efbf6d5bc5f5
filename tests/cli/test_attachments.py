"""A document is named by its digest, and handed over sealed: by command line alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from tests.cli.timed import WHERE, TimedPlane, timed_plane

STAGE = (*WHERE[:4],)


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path) as made:
        yield made


def test_an_agency_opens_what_the_application_names_and_no_one_else_does(plane):
    document = plane.file("plan.txt", "who answers at night: Ada\n")
    sealed = plane.answer("application", "seal", document, *STAGE, by="applicant")
    digest = f"sha256:{hashlib.sha256(document.read_bytes()).hexdigest()}"
    assert (sealed["digest"], sealed["parties"]) == (digest, ["oncd", "ostp"])
    pinned = plane.answer("keys", "list", "--party", "oncd", by="applicant")["keys"]
    assert pinned[0]["keyid"] in [each["keyid"] for each in sealed["keys"] if each["party"] == "oncd"]
    file = plane.organization("Example Utility")
    file.write_text(f'{file.read_text()}\nattachments: [{{name: "plan.txt", digest: "{digest}"}}]\n')
    case = plane.answer("application", "submit", *WHERE, "--organization", file, "--yes", by="applicant")
    out = plane.folder / "opened.txt"
    opening = ("review", "open", sealed["file"], "-o", out, "--case", case["application"])
    opened = plane.answer(*opening, "--key", plane.key("ostp"), by="ostp")
    assert (opened["digest"], opened["name"]) == (digest, "plan.txt")
    assert out.read_bytes() == document.read_bytes()
    other = plane.error(*opening, "--key", plane.key("caisi"), by="ostp")
    assert "sealed to other keys" in other["message"]


def test_a_document_that_the_application_does_not_name_is_refused(plane):
    case = plane.submit("Example Utility")
    document = plane.file("other.txt", "something else\n")
    sealed = plane.answer("application", "seal", document, *STAGE, "--to", "oncd", by="applicant")
    assert sealed["parties"] == ["oncd"]
    out = plane.folder / "opened.txt"
    opening = ("review", "open", sealed["file"], "-o", out, "--key", plane.key("oncd"))
    refused = plane.error(*opening, "--case", case, by="oncd")
    assert "is none of the documents" in refused["message"]
    assert not out.exists()
    assert "opened.txt is sha256:" in plane.text(*opening, by=None)


def test_it_is_sealed_to_agencies_of_the_stage_that_have_a_key_for_it(plane):
    document = plane.file("plan.txt", "x\n")
    seal = ("application", "seal", document)
    refused = plane.error(*seal, *STAGE, "--to", "nasa", by="applicant")
    assert "'nasa' has no key" in refused["message"]
    unknown = plane.error(*seal, "--release", "nope", "--stage", "nope", by="applicant")
    assert "no stage nope/nope" in unknown["message"]
