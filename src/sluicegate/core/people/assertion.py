"""Signed assertions of who a person is: JWTs of a customer's own identity provider.

Rules:
- No part of an assertion counts until all of it has been checked. A no is a value.
- Algorithms and keys are those of the provider as it was registered. A header picks among them by `alg` and
  `kid`; a key or an address in a header (`jwk`, `jku`, `x5c`, `x5u`) is ignored.
- A payload counts only after its signature is verified, and its JSON is read in one way only.
- A time is an interval. An assertion ends when its late end reaches the limit, and begins when its early end
  does.
- This module fetches nothing and reads no clock. It uses PyJWT only for keys and to verify signatures.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple, Protocol, TypeAlias

from jwt.api_jwk import PyJWK
from jwt.exceptions import PyJWTError

from sluicegate.bounds import JWKS_MAX
from sluicegate.errors import BadKey, InvalidInput, NotCanonical
from sluicegate_record.log import canonical, publickey

JwkSet: TypeAlias = Mapping[str, Mapping[str, str]]
"""Public keys by `kid`, each with the members of its JWK that verifying needs."""

TOKEN_MAX_BYTES = 8_192
KEYS_MAX = 32
NAME_MAX = 256
"""How many characters a `kid`, a subject or a credential's name may have."""
URI_MAX = 1_024
MAX_AGE_S = 86_400
LEEWAY_MS = 60_000
"""How far a provider's clock may be ahead of ours."""
CREDENTIAL = "sluicegate_credential"
"""The claim that ties an assertion to one credential."""
STATUS = "sluicegate_status"
"""The claim with which a provider states a person's status. Only the control plane reads it."""

_KINDS: dict[str, tuple[str, str | None]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "EdDSA": ("OKP", "Ed25519"),
    "PS256": ("RSA", None),
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
}
ALGORITHMS = frozenset(_KINDS)
"""What a provider may sign with. INVARIANT: `none` and the HMACs, whose key is a secret, are not here."""

_NUMBERS = {"EC": ("x", "y"), "OKP": ("x",), "RSA": ("n", "e")}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
_RSA_BITS = range(2_048, 8_192 + 1)
_RSA_EXPONENTS = range(2**16 + 1, 2**32, 2)
_KID = re.compile(r"[ -~]{1,256}")
_TOKEN = re.compile(rb"(([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+))\.([A-Za-z0-9_-]+)")
_TYPES = frozenset({"jwt", "at+jwt"})
_NUMBER = re.compile(r"[A-Za-z0-9_-]{1,1400}")
_SECONDS_MAX = 253_402_300_799
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


class AssertionFailure(StrEnum):
    """Why a token is not a valid assertion, in the order of the checks."""

    TOO_LONG = "too_long"
    MALFORMED = "malformed"
    CRITICAL_HEADER = "critical_header"
    TYPE = "type"
    ALGORITHM = "algorithm"
    KEY_MISSING = "key_missing"
    KEY_UNKNOWN = "key_unknown"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    SUBJECT = "subject"
    CREDENTIAL = "credential"
    TIMES = "times"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    LIFE = "life"


class Assertion(NamedTuple):
    """What a provider asserts: who is calling. `kid` names the key that signed it.

    If `credential` is not None, the caller must require that it is the credential in use.

    It may be cached by the SHA-256 of the token's bytes, for one `Provider`: until the late end of the time
    reaches `expires_ms`, and only while that provider is registered. Do not cache an `AssertionFailure`: some
    failures end with time, and anyone can make new ones.

    Units: `expires_ms` is milliseconds since 1970 UTC, exclusive.
    """

    subject: str
    kid: str
    credential: str | None
    expires_ms: int


class Interval(Protocol):
    """A time, as exactly as it is known: like `core.access.decision.Instant`, but without the import."""

    @property
    def early_ms(self) -> int:
        """The time is not earlier than this."""

    @property
    def late_ms(self) -> int:
        """The time is not later than this."""


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider, as its organization registered it.

    `issuer` and `audience` must equal `iss` and `aud` exactly; `keys` are those that `read_jwks` returned.

    Units:  `max_age_s` is the longest life of an assertion, `exp` - `iat`: 1 to MAX_AGE_S seconds.
    Raises: InvalidInput: a field that is empty or out of its range, an algorithm not in ALGORITHMS, keys that
            `read_jwks` would not return, or no key that fits an algorithm.
    """

    issuer: str
    audience: str
    algorithms: frozenset[str]
    keys: JwkSet
    max_age_s: int = 3_600
    _built: dict[tuple[str, str], PyJWK] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, text in (("issuer", self.issuer), ("audience", self.audience)):
            if not 1 <= len(text) <= URI_MAX:
                raise InvalidInput(f"the {name} has {len(text)} characters, expected 1 to {URI_MAX}")
        if not self.algorithms or not self.algorithms <= ALGORITHMS:
            found = ", ".join(sorted(self.algorithms)) or "none given"
            raise InvalidInput(f"algorithms: {found[:80]}; expected some of {', '.join(sorted(ALGORITHMS))}")
        if not 1 <= self.max_age_s <= MAX_AGE_S:
            raise InvalidInput(f"max_age_s is {self.max_age_s}, expected 1 to {MAX_AGE_S}")
        if read_jwks({"keys": [{**key, "kid": kid} for kid, key in self.keys.items()]}).keys != self.keys:
            raise BadKey("the keys have members of no use here, expected them as read from a JWK set")
        if not any(self.algorithms.intersection(_algorithms(key)) for key in self.keys.values()):
            found = ", ".join(sorted(self.algorithms))
            raise BadKey(f"no key fits the algorithms {found}: name those that the provider signs with")


class KeySet(NamedTuple):
    """The keys of a JWK Set that may sign assertions, by `kid`, ready for `canonical.dumps`; and why others
    are not used: one line each.
    """

    keys: dict[str, dict[str, str]]
    unusable: tuple[str, ...] = ()


def read_jwks(value: object) -> KeySet:
    """Read a JWK Set: its keys that can be used, each with the members that verifying needs.

    A key that is weak, malformed, of another kind, or without a `kid` of its own leaves the others as they
    are. If the only usable key has no `kid`, it gets its thumbprint as one. A key that is listed twice is
    used once; of two keys with one `kid`, neither is.

    Requires: a value as `canonical.loads` returns it; with `floats`, because sets have members of any kind.
    Raises:   BadKey: not a JWK Set; a private or secret key anywhere in it; no usable key, or more than
              KEYS_MAX.
    Source:   RFC 7517 section 5; RFC 7518 section 6; RFC 7638; RFC 8037 section 2.
    """
    members = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(members, list):
        raise BadKey("not a JWK set, expected an object with the array 'keys'")
    if len(members) > JWKS_MAX:
        raise BadKey(f"a JWK set of {len(members):,} keys, expected at most {JWKS_MAX}")
    for at, each in enumerate(members):
        _refuse_private(each, at)
    named, unusable = _candidates(members)
    keys: dict[str, dict[str, str]] = {}
    for kid, found in named.items():
        if all(key == found[0] for key in found):
            keys[kid] = found[0]
        else:
            unusable.append(f"{len(found)} different keys with the kid {kid!r}, expected one")
    unusable += [f"the key {kid!r} is listed twice" for kid in keys if len(named[kid]) > 1]
    if not 1 <= len(keys) <= KEYS_MAX:
        said = f" ({'; '.join(unusable[:4])})" if unusable else ""
        raise BadKey(f"{len(keys)} keys to verify assertions with{said}, expected 1 to {KEYS_MAX}")
    return KeySet(keys, tuple(unusable))


def _candidates(members: list[Any]) -> tuple[dict[str, list[dict[str, str]]], list[str]]:
    """The keys that can be used, by `kid`, and why others cannot."""
    named: dict[str, list[dict[str, str]]] = {}
    nameless: list[tuple[int, dict[str, str]]] = []
    unusable: list[str] = []
    for at, each in enumerate(members):
        try:
            key = _usable(each, at)
            if "kid" in each:
                named.setdefault(_kid(each, at), []).append(key)
            else:
                nameless.append((at, key))
        except BadKey as error:
            unusable.append(error.message)
    if len(nameless) == 1 and not named:
        return {_thumbprint(nameless[0][1]): [nameless[0][1]]}, unusable
    unusable += [f"key {at} has no kid, expected one where there are other keys" for at, _ in nameless]
    return named, unusable


def verify(token: str | bytes, provider: Provider, now: Interval) -> Assertion | AssertionFailure:
    """What `token` asserts at `now`, if it is a JWT of this provider for us.

    `typ` is absent, JWT or at+jwt; `iss`, `aud`, `sub`, `exp` and `iat` are required, `nbf` is respected;
    dates may have fractions. A token with `sluicegate_credential` is valid only for that credential.

    Source: RFC 7515 section 5.2, RFC 7519 sections 4.1 and 7.2, RFC 8725.
    """
    if len(token) > TOKEN_MAX_BYTES:
        return AssertionFailure.TOO_LONG
    parts = _parts(token.encode("ascii", "replace") if isinstance(token, str) else token)
    if parts is None:
        return AssertionFailure.MALFORMED
    kid = _named(parts.header, provider)
    key = _signer(parts.header, kid, provider)
    if isinstance(key, AssertionFailure):
        return key
    if not key.Algorithm.verify(parts.signed, key.key, parts.signature):
        return AssertionFailure.SIGNATURE
    return _asserted(_object(parts.payload), str(kid), provider, now)


def issuer(token: bytes) -> object:
    """The issuer that a token names, not verified.

    Use it only to choose the provider that verifies the token.
    """
    parts = _parts(token) if len(token) <= TOKEN_MAX_BYTES else None
    return (_object(parts.payload) or {}).get("iss") if parts is not None else None


def kid(token: bytes) -> str:
    """The `kid` that a token names, not verified; empty if it names none that a key could have."""
    parts = _parts(token) if len(token) <= TOKEN_MAX_BYTES else None
    found = parts.header.get("kid") if parts is not None else None
    return found if isinstance(found, str) and _KID.fullmatch(found) else ""


def payload(token: str) -> dict[str, Any]:
    """All claims of a token that `verify` has accepted; empty for something that is not a token.

    Requires: `verify` has accepted it. No claim of any other token counts.
    """
    parts = _parts(token.encode("ascii", "replace"))
    return (_object(parts.payload) or {}) if parts is not None else {}


# Tokens


class _Parts(NamedTuple):
    """A token in parts; `signed` is the bytes that `signature` covers."""

    header: dict[str, Any]
    signed: bytes
    payload: bytes
    signature: bytes


def _parts(token: bytes) -> _Parts | None:
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    header, payload, signature = _object(_bytes(found[2])), _bytes(found[3]), _bytes(found[4])
    if header is None or not payload or not signature:
        return None
    return _Parts(header, found[1], payload, signature)


def _named(header: dict[str, Any], provider: Provider) -> object:
    """The `kid` of a header. A token without one is signed by the only key, if that has no `kid` either."""
    if "kid" not in header and len(provider.keys) == 1:
        [(kid, key)] = provider.keys.items()
        return kid if kid == _thumbprint(key) else None
    return header.get("kid")


def _signer(  # noqa: PLR0911 - one a failure
    header: dict[str, Any], kid: object, provider: Provider
) -> PyJWK | AssertionFailure:
    """The key that a header names, set to the algorithm that it names."""
    if "crit" in header:
        return AssertionFailure.CRITICAL_HEADER
    if str(header.get("typ", "jwt")).lower().removeprefix("application/") not in _TYPES:
        return AssertionFailure.TYPE
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in provider.algorithms:
        return AssertionFailure.ALGORITHM
    if not isinstance(kid, str):
        return AssertionFailure.KEY_MISSING
    if kid not in provider.keys:
        return AssertionFailure.KEY_UNKNOWN
    if algorithm not in _algorithms(provider.keys[kid]):
        return AssertionFailure.ALGORITHM
    return _built(provider, kid, algorithm)


def _built(provider: Provider, kid: str, algorithm: str) -> PyJWK:
    """A key that is ready to verify with. It is made once, because making it takes longer than verifying."""
    built = provider._built.get((kid, algorithm))
    if built is None:
        built = provider._built[kid, algorithm] = PyJWK(dict(provider.keys[kid]), algorithm)
    return built


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        value = canonical.loads(data, floats=True)
    except NotCanonical:
        return None
    return value if isinstance(value, dict) else None


def _bytes(text: bytes) -> bytes:
    """The bytes whose only base64url this is; None if there are no such bytes. Source: RFC 7515 section 2."""
    try:
        return canonical.unb64(text.translate(_TO_STANDARD).decode("ascii") + "=" * (-len(text) % 4))
    except NotCanonical:
        return b""


# Claims


def _asserted(
    claims: dict[str, Any] | None, kid: str, provider: Provider, now: Interval
) -> Assertion | AssertionFailure:
    """What verified claims assert at this time."""
    if claims is None:
        return AssertionFailure.MALFORMED
    failure = _misdirected(claims, provider)
    if failure is not None:
        return failure
    ends_ms = _ends_ms(claims, provider, now)
    if isinstance(ends_ms, AssertionFailure):
        return ends_ms
    return Assertion(claims["sub"], kid, claims.get(CREDENTIAL), ends_ms)


def _misdirected(claims: dict[str, Any], provider: Provider) -> AssertionFailure | None:
    """Why these claims are not from this provider, not for us, or about no one."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != provider.issuer:
        return AssertionFailure.ISSUER
    if provider.audience not in audiences or not all(isinstance(each, str) for each in audiences):
        return AssertionFailure.AUDIENCE
    if not _is_name(claims.get("sub")):
        return AssertionFailure.SUBJECT
    if CREDENTIAL in claims and not _is_name(claims[CREDENTIAL]):
        return AssertionFailure.CREDENTIAL
    return None


def _ends_ms(claims: dict[str, Any], provider: Provider, now: Interval) -> int | AssertionFailure:
    """When these claims end, if they hold at this time."""
    ends_ms, issued_ms = _ms(claims.get("exp")), _ms(claims.get("iat"))
    begins_ms = _ms(claims["nbf"]) if "nbf" in claims else issued_ms
    if ends_ms is None or issued_ms is None or begins_ms is None:
        return AssertionFailure.TIMES
    if now.late_ms >= ends_ms:
        return AssertionFailure.EXPIRED
    if now.early_ms + LEEWAY_MS < max(begins_ms, issued_ms):
        return AssertionFailure.NOT_YET_VALID
    if not 0 < ends_ms - issued_ms <= provider.max_age_s * 1_000:
        return AssertionFailure.LIFE
    return ends_ms


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= NAME_MAX


def _ms(date: object) -> int | None:
    """A NumericDate in whole milliseconds. INVARIANT: a value that compares with the range is not NaN."""
    if isinstance(date, bool) or not isinstance(date, int | float) or not 0 <= date <= _SECONDS_MAX:
        return None
    return int(date * 1_000)


# Keys


def _algorithms(key: Mapping[str, object]) -> list[str]:
    """The algorithms that a key fits: by its type, its curve, and the algorithm that it names, if any."""
    return [
        name
        for name, (kty, crv) in _KINDS.items()
        if key.get("kty") == kty and key.get("crv") == crv and key.get("alg", name) == name
    ]


def _refuse_private(key: object, at: int) -> None:
    found = sorted(_PRIVATE.intersection(key)) if isinstance(key, dict) else []
    if found or (isinstance(key, dict) and key.get("kty") == "oct"):
        raise BadKey(
            f"key {at} is not public ({', '.join(found) or 'oct'}), expected public keys alone",
            code="key_not_public",
            remedy="replace this key at the provider: whoever was shown it can sign as the provider",
        )


def _usable(key: object, at: int) -> dict[str, str]:
    """The members of a key that verifying needs. Raises: BadKey: it cannot be used here."""
    if not isinstance(key, dict):
        raise BadKey(f"key {at} is {type(key).__name__}, expected an object")
    said = f"key {at}" if "kid" not in key else f"key {at} ({str(key['kid'])[:80]!r})"
    operations = key.get("key_ops", ["verify"])
    if key.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise BadKey(f"{said} is not for signatures")
    if not _algorithms(key):
        kind = [repr(key[name])[:24] for name in ("kty", "crv", "alg") if name in key]
        raise BadKey(f"{said}: {' '.join(kind) or 'no type'} is not supported")
    return _public(key, said)


def _kid(key: dict[str, Any], at: int) -> str:
    kid = key["kid"]
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise BadKey(f"key {at} has the kid {str(kid)[:80]!r}, expected 1 to {NAME_MAX} printable characters")
    return kid


def _thumbprint(key: Mapping[str, str]) -> str:
    """What names a key that has no name. Source: RFC 7638 section 3."""
    said = canonical.dumps({name: key[name] for name in ("kty", "crv", *_NUMBERS[key["kty"]]) if name in key})
    return urlsafe_b64encode(sha256(said).digest()).decode().rstrip("=")


def _public(key: dict[str, Any], said: str) -> dict[str, str]:
    """The members of a key that verifying needs, checked as far as numbers can be checked."""
    kty = key["kty"]
    numbers = {name: _number(key.get(name), name, said) for name in _NUMBERS[kty]}
    if kty == "RSA":
        _check_rsa(numbers, said)
    public = {name: key[name] for name in ("kty", "crv", "alg", *numbers) if name in key}
    try:
        if kty == "OKP":
            publickey.load_ed25519(canonical.b64(numbers["x"]))
        PyJWK(public, _algorithms(key)[0])
    except (BadKey, PyJWTError, ValueError) as error:
        raise BadKey(f"{said} is no {key.get('crv', kty)} key: its numbers make none") from error
    return public


def _number(text: object, name: str, said: str) -> bytes:
    found = _bytes(text.encode()) if isinstance(text, str) and _NUMBER.fullmatch(text) else b""
    if not found:
        raise BadKey(f"{said} has no {name!r} in base64url without padding")
    return found


def _check_rsa(numbers: dict[str, bytes], said: str) -> None:
    """Source: RFC 7518 section 6.3.1 (no leading zeros); FIPS 186-5 section A.1.1 (exponents)."""
    modulus, exponent = (int.from_bytes(numbers[name], "big") for name in ("n", "e"))
    if modulus.bit_length() not in _RSA_BITS:
        bits = f"{_RSA_BITS.start:,} to {_RSA_BITS.stop - 1:,}"
        raise BadKey(f"{said} has {modulus.bit_length():,} bits, expected {bits}")
    if modulus % 2 == 0:
        raise BadKey(f"{said} has an even modulus, expected a product of two large primes")
    if exponent not in _RSA_EXPONENTS:
        raise BadKey(f"{said} has the exponent {exponent}, expected an odd one from 65,537 to 2^32")
    if any(each.startswith(b"\0") for each in numbers.values()):
        raise BadKey(f"{said} has a number with leading zeros, expected none")
