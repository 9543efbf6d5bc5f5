"""Every worst input is refused by a bound, and small ones are read where they came in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sluicegate import bounds
from sluicegate.acts import applications, cases, directives, members, signatories
from sluicegate.acts.act import AnyAct
from sluicegate.acts.table import ACTS
from sluicegate.core.people import assertion
from sluicegate.core.terms import document
from sluicegate.errors import BadKey, InvalidDocument, InvalidInput, TooComplex
from sluicegate.parsing import job, request
from sluicegate.parsing.request import ActRequest
from sluicegate.service.directives import resolve
from sluicegate_record.log import canonical
from sluicegate_record.log.dsse import MAX_PAYLOAD_BYTES
from sluicegate_record.terms.text import has_stack
from tests.parsing import hostile
from tests.plane import Plane


def head(act: AnyAct, query: str = "", **path: str) -> ActRequest:
    return ActRequest(act=act.name, path=path, query=query, content_type="application/json")


def read(act: AnyAct, body: str, **path: str) -> Any:
    return request.read(head(act, **path), body.encode())


@pytest.mark.parametrize("name", hostile.YAML)
def test_no_document_makes_more_nodes_than_it_may(name: str):
    """What takes long in a document is its nodes: see bench/parsing.py."""
    text = hostile.DOCUMENTS[name]
    assert len(text.encode()) <= bounds.DOCUMENT_BYTES_MAX
    loader = document._Loader(text)
    try:
        loader.get_single_node()
    except Exception:  # noqa: BLE001 - how it ends is said in other tests
        loader.dispose()
    assert loader.count <= bounds.NODES_MAX


def test_a_document_of_too_many_values_is_refused_where_it_has_them():
    most = document.read("\n".join(["- 1"] * (bounds.NODES_MAX - 1)), "x")
    assert len(most.value) == bounds.NODES_MAX - 1
    with pytest.raises(InvalidDocument) as caught:
        document.read("\n".join(["- 1"] * bounds.NODES_MAX), "x")
    (place,) = caught.value.at
    assert (place.line, place.expected, place.found) == (bounds.NODES_MAX, "at most 10,000 values", "more")


def test_so_many_errors_are_listed_and_all_are_counted():
    with pytest.raises(InvalidDocument) as caught:
        document.read(f"- {2**60}\n" * 1_000, "x")
    assert caught.value.message == "x: 1000 errors; nothing was done"
    assert len(caught.value.at) == bounds.FAULTS_MAX


@pytest.mark.parametrize("name", hostile.JSON)
def test_no_body_makes_more_values_than_it_may(name: str):
    act = directives.PREVIEW
    with pytest.raises(InvalidInput) as caught:
        read(act, hostile.LONG_BODIES[name])
    is_many = name in {"lists and objects", "numbers", "texts", "nested", "keys"}
    assert isinstance(caught.value, TooComplex) == is_many, caught.value.message


def test_the_largest_annex_is_not_too_much():
    names = ",".join(f'"Example Works No. {at}, Inc."' for at in range(100_000))
    asked = read(directives.PREVIEW, f'{{"text": "", "annexes": {{"a": {{"organizations": [{names}]}}}}}}')
    assert len(asked.annexes["a"].organizations) == 100_000


def test_the_longest_list_of_members_fits_its_body():
    row = {"identifiers": ["0" * 32] * 8, "member": "x" * 128}
    row |= dict.fromkeys(("status", "method", "assurance", "until"), "y" * 64)
    asked = members.MemberRows.from_json({"grant": "g", "rows": [row] * members.ROWS_MAX})
    text = canonical.dumps(asked.to_json())
    assert len(text) < members.REGISTER.body_max
    request.check_elements(text)


def test_a_part_of_a_name_is_bounded():
    for count, is_read in ((bounds.SEARCH_MAX - 1, True), (10_000, False)):
        asked = head(cases.LIST, query="organization=" + hostile.marks(count))
        if is_read:
            request.read(asked, b"")
        else:
            with pytest.raises(InvalidInput, match="expected text of 0 to 500 characters"):
                request.read(asked, b"")


def test_a_query_has_so_many_arguments():
    with pytest.raises(InvalidInput, match="a query of more than 64 arguments"):
        request.read(head(cases.LIST, query="&".join(f"a{at}=" for at in range(65))), b"")
    with pytest.raises(InvalidInput, match="a0"):
        request.read(head(cases.LIST, query="&".join(f"a{at}=" for at in range(64))), b"")


@pytest.mark.parametrize("name", ["a" + "\u0301" * 31, "\u0f73" * 31, "か" + "\uff9e" * 31])
def test_a_name_has_only_so_many_marks_one_after_the_other(name: str):
    assert has_stack(name, bounds.MARKS_MAX)
    assert not has_stack(name[:-1], bounds.MARKS_MAX)
    listed = '{"text": "", "annexes": {"a": {"organizations": ["%s"]}}}'
    assert read(directives.PREVIEW, listed % name[:-1])
    with pytest.raises(InvalidInput, match="30 combining marks"):
        read(directives.PREVIEW, listed % name)


def test_nor_have_the_names_that_open_a_commitment():
    with pytest.raises(InvalidInput, match="more than 30 combining marks"):
        resolve(Plane().ledger, {"annex.a": {"organizations": [hostile.marks(400)]}}, lambda _, __: False)


def test_a_statement_that_fits_in_no_entry_is_not_read():
    """Its payload is read while the ledger is locked: by its signature alone it may be on the record."""
    envelope = '{"envelope": {"payload": "%s", "payloadType": "t", "signatures": []}}'
    assert read(signatories.ATTEST, envelope % ("A" * bounds.PAYLOAD_DIGITS_MAX))
    with pytest.raises(InvalidInput, match=r"envelope\.payload: expected a payload of at most 65536"):
        read(signatories.ATTEST, envelope % ("A" * (bounds.PAYLOAD_DIGITS_MAX + 4)))
    assert bounds.PAYLOAD_DIGITS_MAX < MAX_PAYLOAD_BYTES


def test_a_key_set_has_so_many_keys():
    with pytest.raises(BadKey, match="a JWK set of 257 keys, expected at most 256"):
        assertion.read_jwks({"keys": [{}] * 257})


def test_what_is_small_or_has_a_document_is_known_by_its_act_and_size():
    small, large = b"x" * bounds.IN_PLACE_MAX, b"x" * (bounds.IN_PLACE_MAX + 1)
    assert job.is_small(members.REGISTER, small)
    assert not job.is_small(members.REGISTER, large)
    assert not job.is_small(applications.SUBMIT, b"")


def test_every_act_with_a_text_of_yaml_is_read_elsewhere():
    """Each has a field that says which file the text is from."""
    written = {act.name for act in ACTS.values() if "file" in act.asked.__dataclass_fields__}
    assert written == {act.name for act in ACTS.values() if not job.is_small(act, b"")}
    assert "application.submit" in written


def test_the_page_has_the_bounds():
    page = (Path(__file__).parents[2] / "docs/reference/limits.md").read_text()
    stated = dict(re.findall(r"^\| `([A-Z_]+)` \| ([\d.,]+)", page, re.MULTILINE))
    found = {name: f"{value:,}" for name, value in vars(bounds).items() if name.isupper()}
    assert stated == found
