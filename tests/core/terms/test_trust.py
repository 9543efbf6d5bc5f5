from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sluicegate.core.terms import document, trust
from sluicegate.core.terms.trust import Floor, Pin
from sluicegate.errors import InvalidDocument, Place
from sluicegate_record.log import publickey
from sluicegate_record.log.canonical import b64
from sluicegate_record.terms.rule import Rule
from tests.passkeys import ALGORITHMS, PARTY, Passkey, key_of, pem_of
from tests.worlds import LOG, private_key, public_key


def key(name: str) -> dict[str, str]:
    return {"key": b64(public_key(name))}


def value(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "sluicegate/v1",
        "kind": "Trust",
        "metadata": {"developer": "openai"},
        "spec": {
            "officers": {"release-officer": key("release-officer")},
            "agencies": {"oncd": key("oncd")},
            **spec,
        },
    }


def read(given: Mapping[str, Any] | str) -> trust.Pins:
    return trust.read(document.read(given if isinstance(given, str) else json.dumps(given), "trust.yaml"))


def places(given: Mapping[str, Any] | str) -> list[Place]:
    with pytest.raises(InvalidDocument) as caught:
        read(given)
    assert caught.value.at
    return list(caught.value.at)


def test_officers_speak_for_the_developer_and_agencies_for_themselves() -> None:
    pins = read(value())
    assert pins.developer == "openai"
    assert pins.pins == [
        Pin("release-officer", "openai", public_key("release-officer")),
        Pin("oncd", "oncd", public_key("oncd")),
    ]


def test_it_may_say_which_models_an_agency_directs() -> None:
    agencies = {
        "oncd": {**key("oncd"), "directs": ["gpt-5.6"]},
        "ostp": {"owners": {"first": key("first")}, "directs": []},
        "caisi": key("caisi"),
    }
    pins = read(value(agencies=agencies))
    assert pins.directs == {"oncd": {"gpt-5.6"}, "ostp": frozenset()}
    release = {"floor": {"allOf": ["oncd"]}, "upstreams": {"gpt-5.6": "demo"}}
    gateway = value(agencies=agencies, log=LOG, releases={"gpt-5.6": release}) | {"kind": "GatewayTrust"}
    assert trust.read_gateway(document.read(json.dumps(gateway), "trust.yaml")).directs == pins.directs


@pytest.mark.parametrize("directs", ["gpt-5.6", [""], ["a b"], ["gpt-5.6", "gpt-5.6"], None, {"gpt-5.6": 1}])
def test_what_an_agency_directs_is_a_list_of_models_each_once(directs: Any) -> None:
    (place, *_) = places(value(agencies={"oncd": {**key("oncd"), "directs": directs}}))
    assert place.line == 1


def test_a_field_that_an_agency_does_not_have_is_answered_with_those_it_has() -> None:
    (place,) = places(value(agencies={"oncd": {**key("oncd"), "direct": ["gpt-5.6"]}}))
    assert (place.expected, place.found) == (
        "a field of the trust file: key, webauthn, directs, owners",
        "'direct' (did you mean 'directs'?)",
    )
    (place,) = places(value(officer={}))
    assert (place.expected, place.found) == ("a field of the trust file", "'officer'")


def test_an_officer_directs_every_model() -> None:
    assert places(value(officers={"release-officer": {**key("release-officer"), "directs": []}}))


def test_the_trust_file_of_the_guide_is_one_and_its_first_owner_has_the_name_of_the_agency() -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "run-it-for-real.md"
    (text,) = re.findall(r"^```yaml\n(.*?kind: Trust\n.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)[
        :1
    ]
    for number in range(text.count("…")):
        text = text.replace("…", b64(public_key(f"owner {number}")), 1)
    owners = [(pin.owner, pin.party) for pin in read(text).pins]
    assert owners == [
        ("release-officer", "openai"),
        ("second-officer", "openai"),
        ("oncd", "oncd"),
        ("caisi", "caisi"),
        ("caisi-second", "caisi"),
    ]


def test_an_agency_may_have_several_owners_of_keys() -> None:
    owners = {"owners": {"oncd-first": key("a"), "oncd-second": key("b")}}
    assert read(value(agencies={"oncd": owners})).pins[1:] == [
        Pin("oncd-first", "oncd", public_key("a")),
        Pin("oncd-second", "oncd", public_key("b")),
    ]


@pytest.mark.parametrize(
    "agencies",
    [
        {"oncd": {"owners": {}}},
        {"oncd": {"owners": {"a": key("a"), "b": key("a")}}},
        {"oncd": {"owners": {"a": key("a")}}, "ostp": {"owners": {"a": key("b")}}},
        {"oncd": {"owners": {"release-officer": key("a")}}},
        {"release-officer": {"owners": {"a": key("a")}}},
        {"openai": {"owners": {"a": key("a")}}},
        {"oncd": {"owners": {"ostp": key("a")}}, "ostp": {"owners": {"b": key("b")}}},
        {"oncd": {"owners": {"a": key("a")}, **key("b")}},
    ],
)
def test_what_are_no_owners(agencies: dict[str, Any]) -> None:
    assert places(value(agencies=agencies))


def gateway_value(**spec: Any) -> dict[str, Any]:
    given = value(**spec)
    releases = {"gpt-5.6": {"floor": {"allOf": ["oncd"]}, "upstreams": {"gpt-5.6": "demo"}}}
    return {**given, "kind": "GatewayTrust", "spec": {"log": LOG, "releases": releases, **given["spec"]}}


def read_gateway(given: Mapping[str, Any]) -> trust.Releases:
    return trust.read_gateway(document.read(json.dumps(given), "gateway-trust.yaml"))


def test_a_gateways_file_names_its_log_and_a_floor_a_release() -> None:
    found = read_gateway(gateway_value())
    assert (found.developer, found.log) == ("openai", LOG)
    assert found.pins == read(value()).pins
    assert found.releases == {"gpt-5.6": Floor(Rule("allOf", ("oncd",)), {"gpt-5.6": "demo"})}
    given = gateway_value()
    given["spec"]["releases"]["gpt-5.6"]["withoutRecused"] = True
    (floor,) = read_gateway(given).releases.values()
    assert floor.without_recused


@pytest.mark.parametrize(
    "spec",
    [
        {"log": "nonsense"},
        {"releases": {}},
        {"releases": {"gpt-5.6": {"floor": {"allOf": ["nobody"]}, "upstreams": {"gpt-5.6": "demo"}}}},
        {"releases": {"gpt-5.6": {"floor": {"allOf": []}, "upstreams": {"gpt-5.6": "demo"}}}},
        {"releases": {"gpt-5.6": {"floor": {"allOf": ["oncd"]}, "upstreams": {}}}},
        {"releases": {"gpt-5.6": {"floor": {"allOf": ["oncd"]}}}},
        {"witnesses": ["later"]},
    ],
)
def test_what_is_no_gateways_file(spec: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument) as caught:
        read_gateway(gateway_value(**spec))
    assert caught.value.at


def test_a_key_may_be_pem() -> None:
    pem = private_key("oncd").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert read(value(agencies={"oncd": {"key": pem.decode()}})) == read(value())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_may_be_of_any_algorithm(algorithm: str) -> None:
    public = publickey.of(key_of("oncd", algorithm))
    for text in (pem_of(key_of("oncd", algorithm)), b64(public)):
        assert read(value(agencies={"oncd": {"key": text}})).pins[1] == Pin("oncd", "oncd", public)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_passkey_is_pinned_with_its_relying_party(algorithm: str) -> None:
    passkey = Passkey(key_of("oncd", algorithm))
    written = {"key": pem_of(passkey.key), "webauthn": PARTY.to_json()}
    (_, found) = read(value(agencies={"oncd": {"owners": {"oncd-1": written}}})).pins
    assert found == Pin("oncd-1", "oncd", passkey.public.data, PARTY)
    assert len(found.public) > 32


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"webauthn": {"rpId": "agency.example", "origin": "http://agency.example"}}, "webauthn"),
        ({"webauthn": {"rpId": "other.example", "origin": PARTY.origin}}, "webauthn"),
        ({"webauthn": {"rpId": "agency.example"}}, "webauthn"),
        ({"webauthn": {**PARTY.to_json(), "userVerification": "discouraged"}}, "userVerification"),
        ({"key": pem_of(rsa.generate_private_key(65_537, 2_048))}, "key"),
        ({"key": pem_of(ec.generate_private_key(ec.SECP521R1()))}, "key"),
    ],
)
def test_what_is_no_pin(changes: dict[str, Any], place: str) -> None:
    given = json.dumps(value(agencies={"oncd": {**key("oncd"), **changes}}), indent=1)
    (fault, *_) = places(given)
    assert f'"{place}"' in given.splitlines()[fault.line - 1]
    if place == "key":
        assert "ed25519, or ecdsa on p-256 or p-384" in fault.expected


def test_a_key_and_a_passkey_with_the_same_key_are_one() -> None:
    text = pem_of(private_key("oncd"))
    agencies = {"oncd": {"key": text}, "ostp": {"key": text, "webauthn": PARTY.to_json()}}
    (fault,) = places(value(agencies=agencies))
    assert fault.expected == "a key that nobody else has"


def test_agencies_may_come_later() -> None:
    without = value()
    del without["spec"]["agencies"]
    assert [pin.owner for pin in read(without).pins] == ["release-officer"]


@pytest.mark.parametrize(
    ("officers", "agencies", "found"),
    [
        ({"a": key("a"), "b": key("a")}, {}, "the same key"),
        ({"a": key("a")}, {"oncd": key("a")}, "the same key"),
        ({"a": key("a")}, {"oncd": key("b"), "ostp": key("b")}, "the same key"),
        ({"oncd": key("a")}, {"oncd": key("b")}, "'oncd'"),
        ({"openai": key("a")}, {}, "'openai'"),
        ({"a": key("a")}, {"openai": key("b")}, "'openai'"),  # the developer is no agency
    ],
)
def test_one_key_has_one_owner_and_one_name_one_key(
    officers: dict[str, Any], agencies: dict[str, Any], found: str
) -> None:
    (place,) = places(value(officers=officers, agencies=agencies))
    assert found in place.found


def test_the_same_key_in_another_form_is_the_same_key() -> None:
    pem = private_key("a").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (place,) = places(value(agencies={"oncd": key("a"), "ostp": {"key": pem.decode()}}))
    assert "the same key" in place.found


@pytest.mark.parametrize(
    "spec",
    [
        {"officers": {}},
        {"officers": None},
        {"officers": []},
        {"officers": {"Bad Name": key("a")}},
        {"officers": {"a": b64(public_key("a"))}},
        {"officers": {"a": {}}},
        {"officers": {"a": {"key": ""}}},
        {"officers": {"a": {"key": "AAAA"}}},
        {"officers": {"a": {"key": b64(bytes(32))}}},  # a point of small order: anybody could sign
        {"officers": {"a": {"key": b64(public_key("a")), "role": "x"}}},
        {"agencies": None},
        {"agencies": []},
        {"agencies": {"oncd": {"key": 5}}},
        {"agencies": {"oncd": {"key": "x" * 1_001}}},
        {"witnesses": {}},
    ],
)
def test_what_is_no_trust_file(spec: dict[str, Any]) -> None:
    assert places(value(**spec))


@pytest.mark.parametrize(
    "changes",
    [
        {"apiVersion": "v2"},
        {"kind": "Release"},
        {"metadata": {}},
        {"metadata": {"developer": "Open AI"}},
        {"spec": {}},
    ],
)
def test_what_is_another_file(changes: dict[str, Any]) -> None:
    assert places({**value(), **changes})


def test_every_error_is_told_at_once_where_it_stands() -> None:
    text = """\
apiVersion: sluicegate/v1
kind: Trust
metadata: {developer: openai}
spec:
  officers:
    first: {key: nonsense}
  agencies:
    openai: {key: "KEY"}
    oncd: {key: also nonsense}
""".replace("KEY", b64(public_key("oncd")))
    assert [(place.line, place.column) for place in places(text)] == [(6, 13), (8, 5), (9, 12)]


def test_a_secret_key_given_by_mistake_is_not_shown() -> None:
    secret = b64(private_key("a").private_bytes_raw() + b"more")
    with pytest.raises(InvalidDocument) as caught:
        read(value(officers={"a": {"key": secret}}))
    assert secret[:8] not in str(caught.value) + str(caught.value.at)
