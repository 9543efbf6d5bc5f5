"""Whom a request says it is of, from headers and body to the decision."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from sluicegate.core.access.decision import Ask, Instant, Now
from sluicegate.core.access.naming import NOBODY, Naming
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.people.persons import identifier
from sluicegate.gate.caller import Callers
from sluicegate.gate.engine import Engine, Flight
from sluicegate.gate.missing import AGAIN_MS, ROWS_MAX, MissingKeys
from sluicegate.gate.names import NO_NAMES, Names
from tests.clock import Clock
from tests.core.people.test_assertion import AUDIENCE, ISSUER, jwk, token
from tests.gate import world as worlds
from tests.gate.clients import calls, chat, post
from tests.gate.running import running
from tests.gate.world import MODEL, SURFACE, World
from tests.raw import Raw
from tests.worlds import AT_MS

AT_S = AT_MS // 1000
NOW = Instant(AT_MS, AT_MS + 1_000)
KEYS = {"es": {name: value for name, value in jwk("es").items() if name in {"kty", "crv", "x", "y"}}}


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


class People(World):
    """Two organizations with a provider and a member each; of `org-1`, ada is a citizen and ben is not."""

    def __init__(self) -> None:
        super().__init__()
        self.release("preview", [MODEL], conditions={"requestsPerMinute": 2})
        self.open_stage("preview")
        self.grants = [self.grant("org-1"), self.grant("org-2")]
        (self.key, self.name_of_key), (self.theirs, _) = (self.credential(grant) for grant in self.grants)
        for organization in ("org-1", "org-2"):
            self.provide(f"idp_{organization}", organization)
        self.register("org-1", "ada", "us_citizen")
        self.register("org-1", "ben", "other")

    def provide(self, name: str, organization: str = "org-1", **changes: Any) -> None:
        stated: dict[str, Any] = {
            "provider": name,
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "algorithms": ["ES256"],
        }
        stated |= {"keys": KEYS, "maxAgeS": 3_600, **changes}
        self.write("provider.registered", {"provider": name}, organization=organization, provider=stated)

    def register(self, organization: str, name: str, status: str) -> None:
        row = {"member": f"mem_{name}", "identifiers": [identifier(name).hex()]}
        self.write("members.registered", {}, organization=organization, members=[row])
        claim = {"member": row["member"], "issuer": organization, "status": status}
        self.write("status.claimed", {}, claims=[{**claim, "assurance": "organization"}])

    def bound(self, name: str) -> str:
        """A key of `org-1` that is for one member alone."""
        credential = self.name("cred")
        key = f"sg_{hashlib.sha256(credential.encode()).hexdigest()[:49]}"
        public = {"credential": credential, "grant": self.grants[0]}
        self.write("credential.issued", public, digest=digest(key).hex(), member=f"mem_{name}")
        return key

    def cover(self, name: str = "d-1", **changes: Any) -> None:
        """A directive over persons who are `other`, or unknown."""
        others = {"definition": "d", "statuses": ["other"], "source": "s", "unknown": "covered"}
        spec = {
            "models": [MODEL],
            "surfaces": "all",
            "basis": {"kind": "order"},
            "covers": {"persons": others},
            **changes,
        }
        self.write("directive.issued", {"directive": name, "document": {"spec": spec}})


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def engine(people: People) -> Engine:
    return worlds.engine(people, Clock())


@pytest.fixture
def callers(engine: Engine) -> Callers:
    return Callers(engine.table)


def signed(**changes: Any) -> bytes:
    return token(**{"sub": "ada", "iat": AT_S, "exp": AT_S + 300, **changes}).encode()


def naming(callers: Callers, people: People, *tokens: bytes, of: str | None = None, now: Now = NOW) -> Naming:
    names = NO_NAMES if of is None else Names((of,))
    return callers.naming(digest(people.key), tokens, names, lambda: now)


def test_a_request_that_names_nobody_names_nobody(callers, people):
    assert naming(callers, people) is NOBODY


def test_an_identifier_names_and_an_assertion_too(callers, people):
    assert naming(callers, people, of="ada") == Naming((identifier("ada"),))
    found = naming(callers, people, signed(sub="ben"), of="ada")
    assert found.identifiers == (identifier("ada"),)
    assert found.signed == ("idp_org-1", "es", identifier("ben"), None)
    assert not found.is_forged


FORGED = {
    "another key": signed(name="other-es", header={"alg": "ES256", "kid": "es"}),
    "alg none": signed(header={"alg": "none", "kid": "es"}),
    "an algorithm that is not allowed": signed(algorithm="EdDSA", name="ed"),
    "a key that is not the provider's": signed(name="new-es"),
    "expired": signed(exp=AT_S + 1),
    "not yet": signed(iat=AT_S + 3_600, exp=AT_S + 3_900),
    "too long a life": signed(exp=AT_S + 86_400),
    "another audience": signed(aud="https://elsewhere.example.org/"),
    "another issuer": signed(iss="https://evil.example.org/"),
    "no issuer": signed(iss=None),
    "no subject": signed(sub=""),
    "cut short": signed()[:-1],
    "not a token": b"ada",
    "empty": b"",
    "too long": b"e30." * 9_000,
    "unicode": "ada\u00e9".encode(),
}


@pytest.mark.parametrize("given", FORGED.values(), ids=FORGED)
def test_what_does_not_hold_names_somebody_unknown(callers, people, given):
    assert naming(callers, people, given) == Naming(is_forged=True)
    found = naming(callers, people, given, of="ada")
    assert found == Naming((identifier("ada"),), is_forged=True)


def test_several_assertions_are_a_forged_one(callers, people):
    assert naming(callers, people, signed(), signed()).is_forged
    assert naming(callers, people, signed(), b"").is_forged


def test_nothing_is_verified_for_an_unknown_key_or_without_a_time(callers, people):
    assert callers.naming(bytes(32), [signed()], NO_NAMES, lambda: NOW).is_forged
    assert naming(callers, people, signed(), now=Reason.GATE_STALE).is_forged


def test_what_was_verified_is_kept_until_it_ends(callers, people):
    given = signed()
    first = naming(callers, people, given)
    assert naming(callers, people, given).signed is first.signed
    late = Instant(AT_MS, (AT_S + 300) * 1_000)
    assert naming(callers, people, given, now=late).is_forged
    assert naming(callers, people, given).signed == first.signed


def test_what_was_verified_is_not_kept_beyond_its_provider(callers, people, engine):
    given = signed()
    assert naming(callers, people, given).signed is not None
    people.provide("idp_org-1", keys={"new-es": {k: v for k, v in jwk("new-es").items() if k in KEYS["es"]}})
    engine.advance(people.take())
    assert naming(callers, people, given).is_forged
    people.provide("idp_org-1")
    engine.advance(people.take())
    assert naming(callers, people, given).signed is not None
    people.write("provider.removed", {"provider": "idp_org-1"}, organization="org-1")
    engine.advance(people.take())
    assert naming(callers, people, given).is_forged


def test_each_organization_verifies_by_its_own_provider(callers, people):
    given = [signed()]
    mine = callers.naming(digest(people.key), given, NO_NAMES, lambda: NOW)
    theirs = callers.naming(digest(people.theirs), given, NO_NAMES, lambda: NOW)
    assert mine.signed is not None
    assert theirs.signed is not None
    assert (mine.signed.provider, theirs.signed.provider) == ("idp_org-1", "idp_org-2")


def test_only_so_many_are_kept(engine, people):
    callers = Callers(engine.table, kept_max=2)
    given = [signed(number=number) for number in range(3)]
    found = [naming(callers, people, each).signed for each in given]
    assert naming(callers, people, given[2]).signed is found[2]
    assert naming(callers, people, given[0]).signed is not found[0]


# To the decision


def admit(engine: Engine, people: People, named: Naming = NOBODY) -> Flight | Deny:
    return engine.admit(Ask(digest(people.key), MODEL, SURFACE, naming=named), lambda _: None)


@pytest.mark.parametrize(
    ("tokens", "of", "is_covered"),
    [
        ((), None, True),
        ((), "ada", False),
        ((), "ben", True),
        ((), "stranger", True),
        ((signed(),), None, False),
        ((signed(sub="ben"),), None, True),
        ((signed(sub="ben"),), "ada", True),
        ((signed(),), "ben", True),
        ((signed(), signed()), "ada", True),
        ((signed(exp=AT_S),), "ada", True),
        ((signed(sluicegate_credential="cred_other"),), None, True),
    ],
)
def test_whoever_is_named_decides(engine, callers, people, tokens, of, is_covered):
    people.cover()
    engine.advance(people.take())
    decided = admit(engine, people, naming(callers, people, *tokens, of=of))
    assert isinstance(decided, Deny) is is_covered
    if isinstance(decided, Deny):
        assert decided.reason is Reason.DIRECTIVE_IN_FORCE


def test_an_assertion_for_one_credential_is_of_no_use_with_another(engine, callers, people):
    people.cover()
    engine.advance(people.take())
    bound = signed(sluicegate_credential=people.name_of_key)
    assert isinstance(admit(engine, people, naming(callers, people, bound)), Flight)
    other, _ = people.credential(people.grants[0])
    engine.advance(people.take())
    replayed = callers.naming(digest(other), [bound], NO_NAMES, lambda: NOW)
    ask = Ask(digest(other), MODEL, SURFACE, naming=replayed)
    assert isinstance(engine.admit(ask, lambda _: None), Deny)


def test_streams_of_the_covered_end_and_nobody_elses(engine, callers, people):
    flights = {name: admit(engine, people, naming(callers, people, of=name)) for name in ("ada", "ben")}
    people.cover()
    engine.advance(people.take())
    refused = {name: isinstance(flight, Flight) and flight.refused for name, flight in flights.items()}
    assert refused["ada"] is None
    assert isinstance(refused["ben"], Deny)


def test_what_is_in_flight_may_drain_and_nothing_new_begins(engine, callers, people):
    flight = admit(engine, people, naming(callers, people, of="ben"))
    people.cover(effective="immediately", drain="PT1H")
    engine.advance(people.take())
    assert isinstance(flight, Flight)
    assert flight.refused is None
    assert isinstance(admit(engine, people, naming(callers, people, of="ben")), Deny)


def test_what_narrows_some_requests_leaves_the_others_the_rest_of_the_rate(engine, callers, people):
    people.cover(action="restrict", conditions={"requestsPerMinute": 1})
    engine.advance(people.take())
    came = [
        isinstance(admit(engine, people, naming(callers, people, of=name)), Flight)
        for name in ("ben", "ben", "ada", "ben", "ada", "ada")
    ]
    assert came == [True, False, True, False, False, False]


def test_over_the_wire(quick):
    people = People()
    people.cover()
    with running(people, quick) as gate:
        for field, tokens, status in (
            ("ada", (), 200),
            ("ben", (), 451),
            (None, (), 451),
            (None, (signed(),), 200),
            ("ada", (signed(sub="ben"),), 451),
            ("ada", (b"forged",), 451),
            ("ada", (signed(), signed()), 451),
        ):
            asked = chat() if field is None else chat(safety_identifier=field)
            lines = b"".join(b"X-Sluicegate-Assertion: %b\r\n" % each for each in tokens)
            sent = post("/v1/chat/completions", asked, people.key).replace(b"\r\n", b"\r\n" + lines, 1)
            with Raw(gate.port) as client:
                assert client.send(sent).response()[0] == status, (field, tokens)
        assert all("x-sluicegate-assertion" not in str(call).lower() for call in calls(quick))


def test_models_are_listed_for_whom_the_header_names(quick):
    people = People()
    people.cover()
    with running(people, quick) as gate:
        auth = {"authorization": f"Bearer {people.key}"}
        for sent, listed in ((auth, 0), ({**auth, "x-sluicegate-assertion": signed().decode()}, 1)):
            asked = "".join(f"{name}: {value}\r\n" for name, value in {"host": "a", **sent}.items())
            with Raw(gate.port) as client:
                status, _, body = client.send(f"GET /v1/models HTTP/1.1\r\n{asked}\r\n".encode()).response()
            assert (status, len(json.loads(body)["data"])) == (200, listed)
            with Raw(gate.port) as client:
                one = f"GET /v1/models/{MODEL} HTTP/1.1\r\n{asked}\r\n".encode()
                assert client.send(one).response()[0] == (200 if listed else 451)


def test_a_key_that_a_provider_does_not_have_is_noted(engine, people):
    callers = Callers(engine.table, engine.missing)
    now_ms = 0.0
    for given in (signed(), b"forged", token(name="es", iss="https://elsewhere.example/").encode()):
        naming(callers, people, given)
    assert engine.missing.report(now_ms) == []
    for kid in ("k1", "k2"):
        assert naming(callers, people, token(header={"alg": "ES256", "kid": kid}).encode()).is_forged
    assert engine.missing.report(now_ms) == [{"provider": "idp_org-1", "kid": "k2"}]
    assert engine.missing.report(now_ms) == []
    naming(callers, people, token(header={"alg": "ES256", "kid": "k3"}).encode())
    assert engine.missing.report(AGAIN_MS - 1) == []
    assert engine.missing.report(AGAIN_MS) == [{"provider": "idp_org-1", "kid": "k3"}]


def test_a_report_names_no_more_providers_than_it_may():
    missing = MissingKeys()
    for number in range(ROWS_MAX + 1):
        missing.note(f"idp_{number}", "k")
    assert len(missing.report(0)) == ROWS_MAX
    assert [row["provider"] for row in missing.report(0)] == [f"idp_{ROWS_MAX}"]
