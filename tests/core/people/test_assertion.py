"""Tokens by an honest provider, and by everybody else."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import get_default_algorithms

from sluicegate.core.access.decision import Instant
from sluicegate.core.people.assertion import (
    ALGORITHMS,
    TOKEN_MAX_BYTES,
    Assertion,
    AssertionFailure,
    Provider,
    read_jwks,
    verify,
)
from sluicegate.errors import BadKey, InvalidInput
from sluicegate_record.log import canonical

ISSUER, AUDIENCE = "https://login.example.org/", "https://gateway.example.com/org-1"
AT_S = 1_782_000_000
NOW = Instant(AT_S * 1_000, AT_S * 1_000 + 500)
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "person-1",
    "iat": AT_S,
    "exp": AT_S + 300,
    "email": "person@example.org",
}
GOOD = Assertion("person-1", "es", None, (AT_S + 300) * 1_000)
CASES = sorted((Path(__file__).parent / "jwks").glob("*.json"))
"""Sets of the kinds that providers publish: good, and beside a good key one that cannot be used."""
FAMILIES = {
    "RS256": "rsa",
    "RS384": "rsa",
    "RS512": "rsa",
    "PS256": "rsa",
    "ES256": "es",
    "ES384": "es3",
    "EdDSA": "ed",
}


@cache
def private(name: str) -> Any:
    """A private key; the same name, the same key."""
    secret = int.from_bytes(hashlib.sha256(name.encode()).digest()) >> 1
    match name.rsplit("-", 1)[-1]:
        case "rsa":
            return rsa.generate_private_key(65_537, 2_048)
        case "es3":
            return ec.derive_private_key(secret, ec.SECP384R1())
        case "es5":
            return ec.derive_private_key(secret, ec.SECP521R1())
        case "ed":
            return ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
        case _:
            return ec.derive_private_key(secret, ec.SECP256R1())


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def number(value: int) -> str:
    return b64u(value.to_bytes((value.bit_length() + 7) // 8))


@cache
def _jwk(name: str) -> dict[str, Any]:
    public = private(name).public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    if isinstance(public, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": b64u(public.public_bytes_raw())}
    raw = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]
    x, y = raw[: len(raw) // 2], raw[len(raw) // 2 :]
    return {"kty": "EC", "crv": f"P-{public.curve.key_size}", "x": b64u(x), "y": b64u(y)}


def jwk(name: str, **more: Any) -> dict[str, Any]:
    """The public JWK of a key, as providers publish it."""
    return {**_jwk(name), "kid": name, "use": "sig", **more}


def provider(*names: str, **changes: Any) -> Provider:
    keys = read_jwks({"keys": [jwk(name) for name in names or ("rsa", "es", "es3", "ed")]}).keys
    fields: dict[str, Any] = {"algorithms": ALGORITHMS, "keys": keys, **changes}
    return Provider(**{"issuer": ISSUER, "audience": AUDIENCE, **fields})


PROVIDER = provider()


def signature(message: bytes, algorithm: str, name: str) -> bytes:
    return get_default_algorithms()[algorithm].sign(message, private(name))


def token(
    claims: Any = None, header: Any = None, *, algorithm: str = "ES256", name: str = "es", **changes: Any
) -> str:
    """A token. `claims` and `header` may be bytes, to say what no dict can."""
    head = header if header is not None else {"alg": algorithm, "typ": "JWT", "kid": name}
    body = claims if claims is not None else {**CLAIMS, **changes}
    parts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in (head, body)]
    message = ".".join(b64u(each) for each in parts)
    return f"{message}.{b64u(signature(message.encode(), algorithm, name))}"


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in CLAIMS.items() if name not in names}


# Yes


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_what_another_library_signed_is_accepted(algorithm):
    name = FAMILIES[algorithm]
    signed = jwt.encode(CLAIMS, private(name), algorithm, headers={"kid": name})
    assert verify(signed, PROVIDER, NOW) == GOOD._replace(kid=name)
    assert verify(signed.encode(), PROVIDER, NOW) == GOOD._replace(kid=name)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt", "application/JWT"])
def test_types_that_are_accepted(typ):
    assert verify(token(header={"alg": "ES256", "kid": "es", "typ": typ}), PROVIDER, NOW) == GOOD
    assert verify(token(header={"alg": "ES256", "kid": "es"}), PROVIDER, NOW) == GOOD


def test_the_audience_may_be_one_of_several():
    assert verify(token(aud=["other", AUDIENCE]), PROVIDER, NOW) == GOOD


def test_a_token_for_one_credential_says_so():
    assert verify(token(sluicegate_credential="cred-1"), PROVIDER, NOW) == GOOD._replace(credential="cred-1")


def test_dates_may_have_fractions():
    claims = {**CLAIMS, "iat": AT_S - 0.25, "nbf": AT_S - 0.5, "exp": AT_S + 1.2345}
    assert verify(token(claims), PROVIDER, NOW) == GOOD._replace(expires_ms=AT_S * 1_000 + 1_234)
    assert (
        verify(token(b'{"exp":1.7820003e9,' + json.dumps(without("exp")).encode()[1:]), PROVIDER, NOW) == GOOD
    )


def test_a_key_that_names_no_algorithm_is_used_with_each_that_fits():
    both = provider("rsa", algorithms=frozenset({"RS256", "RS384"}))
    for algorithm in ("RS256", "RS384", "RS256"):
        assert verify(token(algorithm=algorithm, name="rsa"), both, NOW) == GOOD._replace(kid="rsa")
    other = token(header={"alg": "RS384", "kid": "rsa"}, algorithm="RS256", name="rsa")
    assert verify(other, both, NOW) is AssertionFailure.SIGNATURE


# Times


@pytest.mark.parametrize(
    ("now", "changes", "expected"),
    [
        # what ends, at the late end
        (Instant(0, AT_S * 1_000 + 299_999), {}, GOOD),
        (Instant(0, AT_S * 1_000 + 300_000), {}, AssertionFailure.EXPIRED),
        (Instant(AT_S * 1_000, AT_S * 1_000 + 10**9), {}, AssertionFailure.EXPIRED),
        (NOW, {"exp": AT_S - 1, "iat": AT_S - 100}, AssertionFailure.EXPIRED),
        (NOW, {"exp": AT_S + 0.4999, "iat": AT_S - 100}, AssertionFailure.EXPIRED),
        (NOW, {"exp": 1, "iat": 0}, AssertionFailure.EXPIRED),
        # what begins, at the early end, a minute ahead of us
        (Instant(AT_S * 1_000 - 60_000, AT_S * 1_000), {}, GOOD),
        (Instant(AT_S * 1_000 - 60_001, AT_S * 1_000), {}, AssertionFailure.NOT_YET_VALID),
        (NOW, {"iat": AT_S + 61}, AssertionFailure.NOT_YET_VALID),
        (NOW, {"nbf": AT_S + 60}, GOOD),
        (NOW, {"nbf": AT_S + 61}, AssertionFailure.NOT_YET_VALID),
        (NOW, {"nbf": AT_S + 60.5}, AssertionFailure.NOT_YET_VALID),
        (NOW, {"nbf": 0}, GOOD),
        (NOW, {"iat": AT_S + 61, "nbf": 0}, AssertionFailure.NOT_YET_VALID),
        # how long it lives
        (NOW, {"exp": AT_S + 3_600}, GOOD._replace(expires_ms=(AT_S + 3_600) * 1_000)),
        (NOW, {"exp": AT_S + 3_601}, AssertionFailure.LIFE),
        (NOW, {"exp": AT_S + 3_600.5}, AssertionFailure.LIFE),
        (NOW, {"iat": AT_S - 3_301}, AssertionFailure.LIFE),
        (NOW, {"iat": 0}, AssertionFailure.LIFE),
        (NOW, {"exp": 253_402_300_799}, AssertionFailure.LIFE),
        (NOW, {"iat": AT_S + 40, "exp": AT_S + 40}, AssertionFailure.LIFE),
        (NOW, {"iat": AT_S + 40, "exp": AT_S + 30}, AssertionFailure.LIFE),
    ],
)
def test_times_are_an_interval(now, changes, expected):
    now = now._replace(early_ms=now.early_ms or now.late_ms - 500)
    assert verify(token(**changes), PROVIDER, now) == expected


def test_a_token_is_not_accepted_again_after_its_end():
    signed = token()
    assert verify(signed, PROVIDER, NOW) == GOOD
    ended = Instant(GOOD.expires_ms - 1_000, GOOD.expires_ms)
    assert verify(signed, PROVIDER, ended) is AssertionFailure.EXPIRED


def test_the_longest_life_is_the_providers():
    longer = provider(max_age_s=86_400)
    assert isinstance(verify(token(exp=AT_S + 86_400), longer, NOW), Assertion)
    assert verify(token(exp=AT_S + 86_401), longer, NOW) is AssertionFailure.LIFE
    assert verify(token(exp=AT_S + 11), provider(max_age_s=10), NOW) is AssertionFailure.LIFE


DATES: list[Any] = [
    "1782000300", True, False, None, [AT_S + 300], {}, "", -1, -0.5, 253_402_300_800, 2**53 - 1, 1e300,
]  # fmt: skip


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("date", DATES)
def test_what_is_no_date(claim, date):
    assert verify(token(**{claim: date}), PROVIDER, NOW) is AssertionFailure.TIMES


@pytest.mark.parametrize(
    "literal", ["NaN", "Infinity", "-Infinity", "1e400", "-0", "9007199254740993", "1" * 400]
)
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf", "anything"])
def test_numbers_that_readers_disagree_about(claim, literal):
    body = json.dumps(without(claim)).encode()[:-1] + f', "{claim}": {literal}}}'.encode()
    assert verify(token(body), PROVIDER, NOW) is AssertionFailure.MALFORMED


# Claims


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        (without("iss"), AssertionFailure.ISSUER),
        ({**CLAIMS, "iss": "https://login.example.org"}, AssertionFailure.ISSUER),
        ({**CLAIMS, "iss": ISSUER + "x"}, AssertionFailure.ISSUER),
        ({**CLAIMS, "iss": ISSUER.upper()}, AssertionFailure.ISSUER),
        ({**CLAIMS, "iss": [ISSUER]}, AssertionFailure.ISSUER),
        ({**CLAIMS, "iss": None}, AssertionFailure.ISSUER),
        (without("aud"), AssertionFailure.AUDIENCE),
        ({**CLAIMS, "aud": "https://gateway.example.com/org-2"}, AssertionFailure.AUDIENCE),
        ({**CLAIMS, "aud": AUDIENCE + "/"}, AssertionFailure.AUDIENCE),
        ({**CLAIMS, "aud": f"{AUDIENCE} other"}, AssertionFailure.AUDIENCE),
        ({**CLAIMS, "aud": []}, AssertionFailure.AUDIENCE),
        ({**CLAIMS, "aud": ["other"]}, AssertionFailure.AUDIENCE),
        ({**CLAIMS, "aud": [[AUDIENCE]]}, AssertionFailure.AUDIENCE),
        ({**CLAIMS, "aud": [AUDIENCE, 1]}, AssertionFailure.AUDIENCE),
        ({**CLAIMS, "aud": {AUDIENCE: True}}, AssertionFailure.AUDIENCE),
        ({**CLAIMS, "aud": None}, AssertionFailure.AUDIENCE),
        (without("sub"), AssertionFailure.SUBJECT),
        ({**CLAIMS, "sub": ""}, AssertionFailure.SUBJECT),
        ({**CLAIMS, "sub": None}, AssertionFailure.SUBJECT),
        ({**CLAIMS, "sub": 17}, AssertionFailure.SUBJECT),
        ({**CLAIMS, "sub": ["person-1"]}, AssertionFailure.SUBJECT),
        ({**CLAIMS, "sub": "a" * 257}, AssertionFailure.SUBJECT),
        ({**CLAIMS, "sluicegate_credential": ""}, AssertionFailure.CREDENTIAL),
        ({**CLAIMS, "sluicegate_credential": None}, AssertionFailure.CREDENTIAL),
        ({**CLAIMS, "sluicegate_credential": ["cred-1"]}, AssertionFailure.CREDENTIAL),
        ({**CLAIMS, "sluicegate_credential": "c" * 257}, AssertionFailure.CREDENTIAL),
        (without("exp"), AssertionFailure.TIMES),
        (without("iat"), AssertionFailure.TIMES),
        ([CLAIMS], AssertionFailure.MALFORMED),
        ("text", AssertionFailure.MALFORMED),
        (b"null", AssertionFailure.MALFORMED),
        (b"{", AssertionFailure.MALFORMED),
        (b"\xef\xbb\xbf{}", AssertionFailure.MALFORMED),
        (b'{"sub": "\xff"}', AssertionFailure.MALFORMED),
        (b'{"sub": "\\ud800"}', AssertionFailure.MALFORMED),
        (b'{"a":' * 70 + b"1" + b"}" * 70, AssertionFailure.MALFORMED),
        (b"[" * 5_000, AssertionFailure.MALFORMED),
    ],
)
def test_claims_that_assert_nothing(claims, expected):
    assert verify(token(claims), PROVIDER, NOW) is expected


@pytest.mark.parametrize("subject", ["a", "a" * 256, "é" * 256, " ", "org|17"])
def test_a_subject_is_given_as_it_is(subject):
    assert verify(token(sub=subject), PROVIDER, NOW) == GOOD._replace(subject=subject)


@pytest.mark.parametrize("claim", sorted(CLAIMS))
def test_a_claim_given_twice(claim):
    body = json.dumps(CLAIMS).encode()
    for more in (CLAIMS[claim], "other"):
        twice = f"{json.dumps(claim)}: {json.dumps(more)}".encode()
        assert verify(token(body[:-1] + b", " + twice + b"}"), PROVIDER, NOW) is AssertionFailure.MALFORMED
        assert verify(token(b"{" + twice + b", " + body[1:]), PROVIDER, NOW) is AssertionFailure.MALFORMED


# Headers and keys


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({}, AssertionFailure.ALGORITHM),
        ({"kid": "es"}, AssertionFailure.ALGORITHM),
        ({"alg": "ES256"}, AssertionFailure.KEY_MISSING),
        ({"alg": "ES256", "kid": None}, AssertionFailure.KEY_MISSING),
        ({"alg": "ES256", "kid": 1}, AssertionFailure.KEY_MISSING),
        ({"alg": "ES256", "kid": ["es"]}, AssertionFailure.KEY_MISSING),
        ({"alg": "ES256", "kid": ""}, AssertionFailure.KEY_UNKNOWN),
        ({"alg": "ES256", "kid": "es "}, AssertionFailure.KEY_UNKNOWN),
        ({"alg": "ES256", "kid": "ES"}, AssertionFailure.KEY_UNKNOWN),
        ({"alg": "ES256", "kid": "../../dev/null"}, AssertionFailure.KEY_UNKNOWN),
        ({"alg": "ES256", "kid": "es3"}, AssertionFailure.ALGORITHM),
        ({"alg": "ES256", "kid": "rsa"}, AssertionFailure.ALGORITHM),
        ({"alg": "RS256", "kid": "es"}, AssertionFailure.ALGORITHM),
        ({"alg": "EdDSA", "kid": "es"}, AssertionFailure.ALGORITHM),
        ({"alg": "es256", "kid": "es"}, AssertionFailure.ALGORITHM),
        ({"alg": "ES256 ", "kid": "es"}, AssertionFailure.ALGORITHM),
        ({"alg": ["ES256"], "kid": "es"}, AssertionFailure.ALGORITHM),
        ({"alg": {"ES256": 1}, "kid": "es"}, AssertionFailure.ALGORITHM),
        ({"alg": None, "kid": "es"}, AssertionFailure.ALGORITHM),
        ({"alg": "ES256K", "kid": "es"}, AssertionFailure.ALGORITHM),
        ({"alg": "ES512", "kid": "es"}, AssertionFailure.ALGORITHM),
        ({"alg": "PS384", "kid": "rsa"}, AssertionFailure.ALGORITHM),
        ({"alg": "ES256", "kid": "es", "crit": ["exp"]}, AssertionFailure.CRITICAL_HEADER),
        ({"alg": "ES256", "kid": "es", "crit": []}, AssertionFailure.CRITICAL_HEADER),
        ({"alg": "ES256", "kid": "es", "crit": None}, AssertionFailure.CRITICAL_HEADER),
        ({"alg": "ES256", "kid": "es", "b64": False, "crit": ["b64"]}, AssertionFailure.CRITICAL_HEADER),
        ({"alg": "ES256", "kid": "es", "typ": "JWE"}, AssertionFailure.TYPE),
        ({"alg": "ES256", "kid": "es", "typ": "logout+jwt"}, AssertionFailure.TYPE),
        ({"alg": "ES256", "kid": "es", "typ": "secevent+jwt"}, AssertionFailure.TYPE),
        ({"alg": "ES256", "kid": "es", "typ": ""}, AssertionFailure.TYPE),
        ({"alg": "ES256", "kid": "es", "typ": None}, AssertionFailure.TYPE),
        ({"alg": "ES256", "kid": "es", "typ": ["JWT"]}, AssertionFailure.TYPE),
        (["alg", "ES256"], AssertionFailure.MALFORMED),
        (b"{", AssertionFailure.MALFORMED),
        (b"null", AssertionFailure.MALFORMED),
        (b'{"alg":"none","alg":"ES256","kid":"es"}', AssertionFailure.MALFORMED),
        (b'{"alg":"ES256","alg":"none","kid":"es"}', AssertionFailure.MALFORMED),
        (b'{"alg":"ES256","kid":"es","kid":"es"}', AssertionFailure.MALFORMED),
        (b'{"alg":"ES256","kid":"es","x":{"a":1,"a":1}}', AssertionFailure.MALFORMED),
        (b'{"alg":"ES256","kid":"es","\\u0061lg":"none"}', AssertionFailure.MALFORMED),
        (b"[" * 5_000, AssertionFailure.MALFORMED),
    ],
)
def test_headers_that_are_refused(header, expected):
    assert verify(token(header=header), PROVIDER, NOW) is expected


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", " none", "none\0"])
@pytest.mark.parametrize("end", ["", b64u(b"x"), b64u(b"\0" * 64)])
def test_what_is_not_signed_asserts_nothing(algorithm, end):
    head, body = (b64u(json.dumps(each).encode()) for each in ({"alg": algorithm, "kid": "es"}, CLAIMS))
    expected = AssertionFailure.ALGORITHM if end else AssertionFailure.MALFORMED
    assert verify(f"{head}.{body}.{end}", PROVIDER, NOW) is expected


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", ["jwk", "pem", "raw"])
def test_a_public_key_is_no_secret(algorithm, form):
    """An HMAC made with what everybody has."""
    public = private("rsa").public_key()
    key = {
        "jwk": json.dumps(jwk("rsa")).encode(),
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "raw": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    }[form]
    head, body = (b64u(json.dumps(each).encode()) for each in ({"alg": algorithm, "kid": "rsa"}, CLAIMS))
    made = hmac.digest(key, f"{head}.{body}".encode(), algorithm.replace("HS", "sha"))
    assert verify(f"{head}.{body}.{b64u(made)}", PROVIDER, NOW) is AssertionFailure.ALGORITHM
    claiming = b64u(json.dumps({"alg": "RS256", "kid": "rsa"}).encode())
    made = hmac.digest(key, f"{claiming}.{body}".encode(), algorithm.replace("HS", "sha"))
    assert verify(f"{claiming}.{body}.{b64u(made)}", PROVIDER, NOW) is AssertionFailure.SIGNATURE


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_another_providers_key_of_the_same_name(algorithm):
    name = FAMILIES[algorithm]
    forged = token(header={"alg": algorithm, "kid": name}, algorithm=algorithm, name=f"other-{name}")
    assert verify(forged, PROVIDER, NOW) is AssertionFailure.SIGNATURE


@pytest.mark.parametrize("more", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_the_token_brings_is_not_used(more):
    brought = {
        "jwk": jwk("other-es", kid="es"),
        "jku": "https://evil.example/",
        "x5u": "https://evil.example/",
    }
    header = {"alg": "ES256", "kid": "es", more: brought.get(more, ["MII="])}
    assert verify(token(header=header, name="other-es"), PROVIDER, NOW) is AssertionFailure.SIGNATURE
    assert (
        verify(token(header={**header, "kid": "new"}, name="other-es"), PROVIDER, NOW)
        is AssertionFailure.KEY_UNKNOWN
    )


def test_an_algorithm_that_the_provider_did_not_name():
    only = provider(algorithms=frozenset({"ES256"}))
    assert verify(token(), only, NOW) == GOOD
    assert verify(token(algorithm="RS256", name="rsa"), only, NOW) is AssertionFailure.ALGORITHM


def test_an_algorithm_that_the_key_did_not_name():
    keys = read_jwks({"keys": [jwk("rsa", alg="RS256")]}).keys
    bound = provider(keys=keys)
    assert verify(token(algorithm="RS256", name="rsa"), bound, NOW) == GOOD._replace(kid="rsa")
    for algorithm in ("RS384", "PS256"):
        assert verify(token(algorithm=algorithm, name="rsa"), bound, NOW) is AssertionFailure.ALGORITHM


def test_a_key_that_is_gone_is_gone():
    rotated = dataclasses.replace(PROVIDER, keys=read_jwks({"keys": [jwk("es", kid="es-2")]}).keys)
    assert verify(token(), PROVIDER, NOW) == GOOD
    assert verify(token(), rotated, NOW) is AssertionFailure.KEY_UNKNOWN
    same_name = dataclasses.replace(PROVIDER, keys=read_jwks({"keys": [jwk("other-es", kid="es")]}).keys)
    assert verify(token(), same_name, NOW) is AssertionFailure.SIGNATURE


# Bytes


@pytest.mark.parametrize("length", [0, 1, 63, 65, 72, 96, 4_096])
@pytest.mark.parametrize("fill", [b"\0", b"\1", b"\xff"])
@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "EdDSA", "RS256", "PS256"])
def test_signatures_that_are_none(algorithm, length, fill):
    name = FAMILIES[algorithm]
    message = token(header={"alg": algorithm, "kid": name}, algorithm=algorithm, name=name).rpartition(".")[0]
    expected = AssertionFailure.SIGNATURE if length else AssertionFailure.MALFORMED
    assert verify(f"{message}.{b64u(fill * length)}", PROVIDER, NOW) is expected


def test_a_signature_in_der_is_none():
    message = token().rpartition(".")[0]
    der = private("es").sign(message.encode(), ec.ECDSA(SHA256()))
    assert verify(f"{message}.{b64u(der)}", PROVIDER, NOW) is AssertionFailure.SIGNATURE
    raw = b"".join(each.to_bytes(32) for each in decode_dss_signature(der))
    assert verify(f"{message}.{b64u(raw)}", PROVIDER, NOW) == GOOD


def test_a_token_has_three_parts_in_one_spelling():
    good = token()
    head, body, end = good.split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    padded = b64u(json.dumps({"alg": "ES256", "kid": "es"}).encode() + b" " * 2)
    loose = padded[:-1] + last[last.index(padded[-1]) ^ 1]
    wrong = [
        "", ".", "..", "...", head, f"{head}.{body}", f"{head}.{body}.", f".{body}.{end}", f"{head}..{end}",
        f"{good}.", f".{good}", f"{good}.{end}", f"{good}.x.y", f"{good}=", f"{head}=.{body}.{end}",
        f"{head}.{body}==.{end}", f"{good}\n", f" {good}", f"{head}. {body}.{end}", f"{good}\0", good + "é",
        f"Bearer {good}", good.replace(".", ","), f"{end}A", f"{loose}.{body}.{end}",
        f"{head}.{body}.{end[:-1] + last[last.index(end[-1]) ^ 1]}", f"{head}.{body}.+{end[1:]}",
        f"{head}.{body}./{end[1:]}",
        json.dumps({"payload": body, "protected": head, "signature": end}),
    ]  # fmt: skip
    assert verify(good, PROVIDER, NOW) == GOOD
    for each in wrong:
        assert verify(each, PROVIDER, NOW) is AssertionFailure.MALFORMED, each
        assert verify(each.encode(), PROVIDER, NOW) is AssertionFailure.MALFORMED, each


def test_a_token_that_is_too_long_is_not_looked_at():
    padding = TOKEN_MAX_BYTES - len(token(more=""))
    fitting = token(more="a" * (padding // 4 * 3))
    assert TOKEN_MAX_BYTES - 4 < len(fitting) <= TOKEN_MAX_BYTES
    assert verify(fitting, PROVIDER, NOW) == GOOD
    for longer in (token(more="a" * padding), "a" * (TOKEN_MAX_BYTES + 1), "." * 10**6, b"\xff" * 10**6):
        assert verify(longer, PROVIDER, NOW) is AssertionFailure.TOO_LONG


TOKENS = {
    algorithm: token(algorithm=algorithm, name=FAMILIES[algorithm])
    for algorithm in ("ES256", "RS256", "EdDSA")
}


@given(st.sampled_from(sorted(TOKENS)), st.data())
def test_a_token_of_which_a_byte_is_changed_asserts_nothing(algorithm, data):
    raw = TOKENS[algorithm].encode()
    at = data.draw(st.integers(0, len(raw) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[at]))
    changed = raw[:at] + bytes([other]) + raw[at + 1 :]
    assert isinstance(verify(changed, PROVIDER, NOW), AssertionFailure)


@given(st.sampled_from(sorted(TOKENS)), st.data())
def test_a_token_put_together_of_others_asserts_nothing(algorithm, data):
    mine = TOKENS[algorithm]
    theirs = token(algorithm=algorithm, name=FAMILIES[algorithm], sub="person-2")
    cuts = st.integers(0, len(mine))
    begin, end = sorted((data.draw(cuts), data.draw(cuts)))
    spliced = mine[:begin] + theirs[begin:end] + mine[end:]
    said = verify(spliced, PROVIDER, NOW)
    assert isinstance(said, AssertionFailure) or spliced in (mine, theirs)


@given(
    st.text(max_size=40) | st.binary(max_size=40) | st.from_regex(r"\A[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}\Z")
)
def test_whatever_comes_is_answered(found):
    assert isinstance(verify(found, PROVIDER, NOW), AssertionFailure)


dates = (
    st.integers(AT_S - 4_000, AT_S + 4_000)
    | st.floats(AT_S - 100, AT_S + 100)
    | st.sampled_from([None, True, "1", -1, 0, 1e300, [AT_S]])
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "iss": st.sampled_from([ISSUER, ISSUER, ISSUER, "other", None]),
            "aud": st.sampled_from(
                [AUDIENCE, AUDIENCE, [AUDIENCE], ["a", AUDIENCE], [], "other", [None, AUDIENCE]]
            ),
            "sub": st.sampled_from(["person-1", "p", "", None, 1]),
            "exp": dates,
            "iat": dates,
            "nbf": dates,
            "sluicegate_credential": st.sampled_from(["c", "c", "", None]),
        },
    )
)
def test_it_reads_claims_as_a_slow_reader_does(changes):
    claims = {**CLAIMS, **changes}
    said = verify(token(claims), PROVIDER, NOW)
    if holds(claims):
        ends_ms = math.floor(claims["exp"] * 1_000)
        assert said == (claims["sub"], "es", claims.get("sluicegate_credential"), ends_ms)
    else:
        assert isinstance(said, AssertionFailure)


def holds(claims: dict[str, Any]) -> bool:
    """Whether claims hold now, one sentence of the rules after the other."""
    for name in ("exp", "iat", "nbf"):
        if name in claims or name != "nbf":
            date = claims[name]
            if type(date) not in (int, float) or date < 0 or date > 253_402_300_799:
                return False
    if claims["iss"] != ISSUER or (
        claims["aud"] != AUDIENCE and claims["aud"] not in ([AUDIENCE], ["a", AUDIENCE])
    ):
        return False
    if claims["sub"] not in ("person-1", "p") or claims.get("sluicegate_credential", "c") != "c":
        return False
    ends, issued, begins = (math.floor(claims.get(name, 0) * 1_000) for name in ("exp", "iat", "nbf"))
    if not NOW.late_ms < ends or issued > NOW.early_ms + 60_000 or begins > NOW.early_ms + 60_000:
        return False
    return bool(issued < ends <= issued + 3_600_000)


# Providers


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"issuer": ""}, "the issuer has 0 characters"),
        ({"issuer": "i" * 1_025}, "the issuer has 1025 characters"),
        ({"audience": ""}, "the audience has 0 characters"),
        ({"audience": "a" * 1_025}, "the audience has 1025 characters"),
        ({"algorithms": frozenset()}, "none given"),
        ({"algorithms": frozenset({"none"})}, "expected some of"),
        ({"algorithms": frozenset({"ES256", "HS256"})}, "expected some of"),
        ({"algorithms": frozenset({"ES256", "es256"})}, "expected some of"),
        ({"algorithms": frozenset({"ES256", "ES512"})}, "expected some of"),
        ({"max_age_s": 0}, "max_age_s is 0"),
        ({"max_age_s": -1}, "max_age_s is -1"),
        ({"max_age_s": 86_401}, "max_age_s is 86401"),
        ({"keys": {}}, "0 keys"),
        ({"keys": {"es": jwk("es")}}, "members of no use"),
        ({"keys": {"es": {**_jwk("es"), "d": "AA"}}}, "not public"),
        ({"keys": {"es": {**_jwk("es"), "x": "AA"}}}, "its numbers make none"),
        (
            {"keys": {"es": _jwk("es")}, "algorithms": frozenset({"RS256", "EdDSA"})},
            "no key fits the algorithms EdDSA, RS256",
        ),
    ],
)
def test_providers_that_are_refused(changes, message):
    with pytest.raises(InvalidInput, match=message):
        provider(**changes)


def test_none_and_secrets_are_not_among_the_algorithms():
    assert not [name for name in ALGORITHMS if name.lower() == "none" or name.startswith("HS")]


# Key sets


def test_a_key_set_is_read_to_what_verifying_takes():
    found = {
        "keys": [
            jwk("rsa", alg="RS256", x5c=["MII="], x5t="abc", exp=1.5, key_ops=["verify"], ext=True),
            jwk("es", use="sig"),
            jwk("ed", alg="EdDSA"),
        ],
        "more": 0.5,
    }
    keys = read_jwks(found).keys
    assert keys == {
        "rsa": {**_jwk("rsa"), "alg": "RS256"},
        "es": _jwk("es"),
        "ed": {**_jwk("ed"), "alg": "EdDSA"},
    }
    assert (
        read_jwks(
            canonical.loads(canonical.dumps({"keys": [{**key, "kid": kid} for kid, key in keys.items()]}))
        ).keys
        == keys
    )


UNUSED: list[Any] = [
    {"kty": "AKP", "kid": "pq", "alg": "ML-DSA-44", "pub": "AA"},
    {"kty": "EC", "crv": "secp256k1", "kid": "k1", "x": "AA", "y": "AA"},
    {**_jwk("a-es5"), "kid": "es5"},
    {"kty": "OKP", "crv": "X25519", "kid": "x", "x": "AA"},
    {"kty": "OKP", "crv": "Ed448", "kid": "x", "x": b64u(bytes(57))},
    jwk("es", use="enc"),
    jwk("es", use=None),
    jwk("es", use=["sig"]),
    jwk("es", key_ops=["sign"]),
    jwk("es", key_ops=[]),
    jwk("es", key_ops="verify"),
    jwk("es", alg="ECDH-ES"),
    jwk("es", alg="ES384"),
    jwk("es", alg="RS256"),
    jwk("es", alg=None),
    jwk("es", alg=["ES256"]),
    jwk("es", crv=["P-256"]),
    jwk("rsa", alg="RSA-OAEP"),
    jwk("rsa", alg="PS512"),
    jwk("rsa", alg="none"),
    jwk("rsa", alg="HS256"),
    jwk("rsa", crv="P-256"),
    {"kid": "nothing"},
    {},
]  # fmt: skip


@pytest.mark.parametrize("key", UNUSED)
def test_keys_of_no_use_are_skipped_but_one_has_to_be_left(key):
    found = read_jwks({"keys": [key, jwk("ed"), key]})
    assert found.keys == {"ed": _jwk("ed")}
    assert [re.match(r"key \d", said) is not None for said in found.unusable] == [True, True]
    with pytest.raises(BadKey, match=r"^0 keys to verify assertions with \(key 0.*\), expected 1 to 32$"):
        read_jwks({"keys": [key]})


PRIVATE: list[Any] = [
    jwk("es", d="AA"),
    jwk("es", d=None),
    jwk("rsa", p="AA", q="AA"),
    jwk("rsa", oth=[]),
    jwk("es", use="enc", d="AA"),
    {"kty": "oct", "kid": "secret", "k": "SECRETSECRET"},
    {"kty": "oct", "kid": "secret"},
    {"kty": "AKP", "kid": "pq", "priv": "AA"},
    {"kty": "unknown", "kid": "new", "d": "SECRETSECRET"},
]


@pytest.mark.parametrize("key", PRIVATE)
def test_a_private_key_is_refused_with_the_whole_set_and_not_shown(key):
    for keys in ([key], [jwk("ed"), key], [key, jwk("ed")]):
        with pytest.raises(BadKey, match="not public") as caught:
            read_jwks({"keys": keys})
        assert caught.value.code == "key_not_public"
        assert "SECRET" not in caught.value.message
        assert caught.value.remedy


def rsa_jwk(bits: int, *, e: int = 65_537, even: bool = False) -> dict[str, Any]:
    n = (1 << bits) - (2 if even else 1)
    return {"kty": "RSA", "kid": "k", "n": number(n), "e": number(e)}


BAD: list[Any] = [
    ({**_jwk("es")}, "key 0 has no kid"),
    (jwk("es", kid=""), "has the kid ''"),
    (jwk("es", kid=17), "has the kid '17'"),
    (jwk("es", kid="a" * 257), "has the kid"),
    (jwk("es", kid="a\n"), "has the kid"),
    (jwk("es", kid="é"), "has the kid"),
    (jwk("es", x=jwk("other-es")["x"]), "is no P-256 key"),
    (jwk("es", y=""), "no 'y' in base64url"),
    (jwk("es", y=1), "no 'y' in base64url"),
    (jwk("es", y=None), "no 'y' in base64url"),
    (jwk("es", x=_jwk("es")["x"] + "="), "no 'x' in base64url"),
    (jwk("es", x="+" + _jwk("es")["x"][1:]), "no 'x' in base64url"),
    (jwk("es", x=b64u(b"\0" + base64.urlsafe_b64decode(_jwk("es")["x"] + "="))), "is no P-256 key"),
    (jwk("es", x=b64u(bytes(32)), y=b64u(bytes(32))), "is no P-256 key"),
    (jwk("es", crv="P-384"), "is no P-384 key"),
    (jwk("ed", x=b64u(bytes(31))), "is no Ed25519 key"),
    (jwk("ed", x=b64u(bytes(32))), "is no Ed25519 key"),
    (jwk("ed", x=b64u(b"\1" + bytes(31))), "is no Ed25519 key"),
    (jwk("rsa", e=None), "no 'e' in base64url"),
    (jwk("rsa", n="A" * 1_401), "no 'n' in base64url"),
    (rsa_jwk(1_024), "has 1,024 bits"),
    (rsa_jwk(2_047), "has 2,047 bits"),
    (rsa_jwk(8_193), "has 8,193 bits"),
    (rsa_jwk(2_048, even=True), "even modulus"),
    (rsa_jwk(2_048, e=1), "has the exponent 1,"),
    (rsa_jwk(2_048, e=3), "has the exponent 3,"),
    (rsa_jwk(2_048, e=65_538), "has the exponent 65538,"),
    (rsa_jwk(2_048, e=2**32 + 1), "has the exponent"),
    (jwk("rsa", e=b64u(b"\0\1\0\1")), "leading zeros"),
    ([], "key 0 is list"),
    ("key", "key 0 is str"),
    (None, "key 0 is NoneType"),
]


@pytest.mark.parametrize(("key", "message"), BAD)
def test_a_key_that_is_malformed_is_named_and_the_others_stay(key, message):
    for keys in ([key, jwk("ed", kid="another")], [jwk("ed", kid="another"), key]):
        found = read_jwks({"keys": keys})
        assert found.keys == {"another": _jwk("ed")}
        [said] = found.unusable
        assert message.replace("key 0", f"key {keys.index(key)}") in said
    if message != "key 0 has no kid":
        with pytest.raises(BadKey, match="0 keys to verify assertions with"):
            read_jwks({"keys": [key]})


def test_a_sole_key_may_lack_a_name():
    nameless = jwt.encode(CLAIMS, private("es"), "ES256")
    for beside in ([], [UNUSED[0]], [rsa_jwk(1_024)]):
        found = read_jwks({"keys": [_jwk("es"), *beside]})
        assert len(found.unusable) == len(beside)
        [(kid, key)] = found.keys.items()
        assert key == _jwk("es")
        assert len(kid) == 43
        provider = dataclasses.replace(PROVIDER, keys=found.keys)
        assert verify(nameless, provider, NOW) == GOOD._replace(kid=kid)
        assert verify(token(), provider, NOW) is AssertionFailure.KEY_UNKNOWN
        assert verify(nameless, PROVIDER, NOW) is AssertionFailure.KEY_MISSING
    named = dataclasses.replace(PROVIDER, keys=read_jwks({"keys": [jwk("es")]}).keys)
    assert verify(nameless, named, NOW) is AssertionFailure.KEY_MISSING


def test_a_thumbprint_is_that_of_the_rfc():
    """Source: RFC 7638 section 3.1."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
        "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
        "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
        "kEgU8awapJzKnqDKgw"
    )
    key = {"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256"}
    assert list(read_jwks({"keys": [key]}).keys) == ["NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"]


@pytest.mark.parametrize("name", [path.stem for path in CASES])
def test_key_sets_as_providers_publish_them(name):
    [case] = [path for path in CASES if path.stem == name]
    found = read_jwks(canonical.loads(case.read_bytes(), floats=True))
    expected = {"good": ({"rsa-1", "ec-1"}, 0), "one-key-without-kid": (set(found.keys), 0)}
    assert (set(found.keys), len(found.unusable)) == expected.get(name, ({"ec-1"}, 1))
    assert found.keys


@pytest.mark.parametrize(
    "found", [None, [], "x", 1, {}, {"keys": None}, {"keys": {}}, {"Keys": []}, jwk("es"), [jwk("es")]]
)
def test_what_is_no_key_set(found):
    with pytest.raises(BadKey, match="not a JWK set"):
        read_jwks(found)


def test_each_key_has_a_name_of_its_own():
    twice = read_jwks({"keys": [jwk("es"), jwk("es"), jwk("ed")]})
    assert (set(twice.keys), twice.unusable) == ({"es", "ed"}, ("the key 'es' is listed twice",))
    shared = read_jwks({"keys": [jwk("es"), jwk("rsa", kid="es"), jwk("ed")]})
    assert (set(shared.keys), shared.unusable) == (
        {"ed"},
        ("2 different keys with the kid 'es', expected one",),
    )
    with pytest.raises(BadKey, match="0 keys to verify assertions with"):
        read_jwks({"keys": [jwk("es"), jwk("other-es", kid="es")]})
    with pytest.raises(BadKey, match="0 keys to verify assertions with"):
        read_jwks({"keys": [_jwk("es"), _jwk("ed")]})


def test_a_set_has_at_most_32_keys():
    keys = [jwk("es", kid=str(at)) for at in range(33)]
    assert len(read_jwks({"keys": [*keys[:32], jwk("es", use="enc")]}).keys) == 32
    with pytest.raises(BadKey, match="33 keys"):
        read_jwks({"keys": keys})
    with pytest.raises(BadKey, match=r"^0 keys to verify assertions with, expected 1 to 32$"):
        read_jwks({"keys": []})
