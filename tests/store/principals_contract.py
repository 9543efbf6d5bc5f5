"""What is known of principals, organizations and drafts in every store."""

from __future__ import annotations

from dataclasses import replace

from sluicegate.ports import Principal, Registration, Spent
from tests.store.examples import DRAFTS, Contract


class PrincipalsContract(Contract):
    def test_principals_are_found_by_the_digest_of_their_token(self, store):
        agency = Principal("agency_1", "agency", "oncd", "oncd")
        applicant = Principal("applicant_1", "applicant", "example", None)
        store.principals.add(b"\x01" * 32, agency)
        store.principals.add(b"\x02" * 32, applicant)
        assert store.principals.by_token(b"\x01" * 32) == agency
        assert store.principals.by_token(b"\x02" * 32) == applicant
        assert store.principals.by_token(b"\x03" * 32) is None
        assert store.principals.by_token(b"") is None
        assert sorted(found.id for found in store.principals.all()) == ["agency_1", "applicant_1"]

    def test_a_token_takes_the_place_of_its_holders_and_of_nobody_elses(self, store):
        first, other = Principal("person_1", "person", "mem_1"), Principal("person_2", "person", "mem_2")
        store.principals.add(b"\x01" * 32, first)
        store.principals.add(b"\x02" * 32, other)
        namesake = Principal("applicant_1", "applicant", "mem_1")
        store.principals.add(b"\x03" * 32, namesake)
        store.principals.replace(b"\x04" * 32, Principal("person_3", "person", "mem_1"))
        assert store.principals.by_token(b"\x01" * 32) is None
        assert store.principals.by_token(b"\x02" * 32) == other
        assert store.principals.by_token(b"\x03" * 32) == namesake
        assert store.principals.by_token(b"\x04" * 32).id == "person_3"
        store.principals.replace(b"\x05" * 32, Principal("person_3", "person", "mem_1"))
        assert store.principals.by_token(b"\x04" * 32) is None
        assert len(store.principals.all()) == 3

    def test_a_token_ends_and_its_principal_gets_another(self, store):
        agency, other = (
            Principal("agency_1", "agency", "oncd", "oncd"),
            Principal("gateway_1", "gateway", "g"),
        )
        store.principals.add(b"\x01" * 32, agency)
        store.principals.add(b"\x02" * 32, other)
        for _ in range(2):
            store.principals.end("agency_1")
            assert store.principals.by_token(b"\x01" * 32) is None
            assert store.principals.by_token(b"\x02" * 32) == other
            assert store.principals.ended() == {"agency_1"}
            assert len(store.principals.all()) == 2
        store.principals.end("agency_9")
        store.principals.replace(b"\x03" * 32, agency)
        assert store.principals.by_token(b"\x03" * 32) == agency
        assert store.principals.ended() == frozenset()

    def test_a_token_that_was_replaced_counts_for_a_while_and_ends_with_its_principal(self, store):
        gateway, now_ms = Principal("gateway_1", "gateway", "g"), 4_000_000_000_000
        store.principals.add(b"\x01" * 32, gateway)
        store.principals.replace(b"\x02" * 32, gateway, at_ms=now_ms, overlap_ms=1_000)
        assert store.principals.by_token(b"\x01" * 32) == store.principals.by_token(b"\x02" * 32) == gateway
        assert store.principals.issued() == {"gateway_1": now_ms}
        store.principals.replace(b"\x03" * 32, gateway, at_ms=now_ms)
        assert store.principals.by_token(b"\x01" * 32) is store.principals.by_token(b"\x02" * 32) is None
        store.principals.replace(b"\x04" * 32, gateway, at_ms=now_ms, overlap_ms=1_000)
        store.principals.end("gateway_1")
        assert store.principals.by_token(b"\x03" * 32) is store.principals.by_token(b"\x04" * 32) is None

    def test_organizations_are_found_by_part_of_their_name_and_named_by_their_pseudonym(self, store):
        with store.write() as ports:
            ports.principals.add_organization("org_1", "applicant_1", "example utility", "US")
            ports.principals.add_organization("org_2", "applicant_2", "example grid", "US")
            ports.principals.add_organization("org_3", "applicant_1", '100% "power" _co é', "US")
        assert store.principals.registered("org_2") == Registration("example grid", "US")
        assert store.principals.registered("org_9") is None
        known = ["org_1", "org_2", "org_3"]
        for part, expected in {
            "example": {"org_1", "org_2"},
            "grid": {"org_2"},
            "e g": {"org_2"},
            "Grid": set(),
            "nobody": set(),
            "id": {"org_2"},
            "x": {"org_1", "org_2"},
            "%": {"org_3"},
            "_": {"org_3"},
            '% "p': {"org_3"},
            "_co é": {"org_3"},
            "exa* OR grid": set(),
            "gri\0d": set(),
            "plexam": set(),
            "ample utili": {"org_1"},
            '00% "power" _co': {"org_3"},
            "example " * 60: set(),
        }.items():
            assert set(store.principals.organizations_like(part, 9)) == expected, part
            assert store.principals.named_like(known, part) == expected, part
        assert len(store.principals.organizations_like("example", 1)) == 1
        assert store.principals.named_like(["org_1"], "example") == {"org_1"}
        assert store.principals.named_like([], "example") == set()

    def test_organizations_are_found_by_parts_that_most_have_with_parts_that_few_have(self, store):
        names = {f"org_{number}": f"example plant {number:04}" for number in range(60)}
        with store.write() as ports:
            for pseudonym, name in names.items():
                ports.principals.add_organization(pseudonym, "applicant_1", name, "US")
        for part in (
            "example",
            "plant 0",
            "example plant 0041",
            "004",
            "plant 009",
            "0041 example",
            "ant 0059",
        ):
            expected = {pseudonym for pseudonym, name in names.items() if part in name}
            assert set(store.principals.organizations_like(part, 99)) == expected, part

    def test_an_organization_has_one_pseudonym_for_who_named_it(self, store):
        with store.write() as ports:
            ports.principals.add_organization("org_1", "applicant_1", "Example Utility", "US")
            ports.principals.add_organization("org_2", "applicant_2", "Example Utility", "US")
            ports.principals.add_organization("org_3", "applicant_1", "Example Utility", "NO")
            ports.principals.add_organization("org_4", "applicant_1", "Example Grid", "US")
        with store.write() as ports:
            assert ports.principals.organization("applicant_1", "Example Utility", "US") == "org_1"
            assert ports.principals.organization("applicant_2", "Example Utility", "US") == "org_2"
            assert ports.principals.organization("applicant_3", "Example Utility", "US") is None
            assert ports.principals.organization("applicant_1", "example utility", "US") is None

    def test_organizations_are_found_by_names_that_have_the_same_bare_form(self, store):
        with store.write() as ports:
            ports.principals.add_organization("org_1", "applicant_1", "o'example labs, inc.", "US")
            ports.principals.add_organization("org_2", "applicant_2", "o\u2019example-labs inc", "US")
            ports.principals.add_organization("org_3", "applicant_1", "example grid", "NO")
        found = store.principals.organizations(["oexample labs inc", "example", "example grid"])
        assert sorted(found) == [
            ("org_1", "oexample labs inc"),
            ("org_2", "oexample labs inc"),
            ("org_3", "example grid"),
        ]
        assert list(store.principals.organizations([])) == []

    def test_organizations_are_found_for_a_name_that_is_nearly_theirs(self, store):
        with store.write() as ports:
            ports.principals.add_organization("org_1", "applicant_1", "o'example labs, inc.", "US")
            ports.principals.add_organization("org_2", "applicant_2", "another utility", "US")
        for name in ("oexample lads inc", "oexample labs inc (aka oeb)", '"o" example labs'):
            assert ("org_1", "o'example labs, inc.") in store.principals.organizations_near(name), name
        assert list(store.principals.organizations_near("zzz")) == []
        assert list(store.principals.organizations_near("")) == []

    def test_a_draft_is_its_owners_until_it_is_removed(self, store):
        with store.write() as ports:
            for draft in (DRAFTS[1], DRAFTS[2], DRAFTS[0]):
                ports.principals.add_draft(draft)
        with store.write() as ports:
            assert list(ports.principals.drafts("applicant")) == DRAFTS
            assert list(ports.principals.drafts("another")) == []
            ports.principals.remove_draft(DRAFTS[1].id)
            ports.principals.remove_draft("none")
        with store.write() as ports:
            assert list(ports.principals.drafts("applicant")) == [DRAFTS[0], DRAFTS[2]]

    def test_what_a_party_has_used_is_the_newest_that_was_noted(self, store):
        assert store.principals.spent("applicant_1") == {}
        newest = {"keys": Spent(19, 5), "bytes": Spent(1 << 50, 1 << 40)}
        store.principals.spend("applicant_1", {"keys": Spent(17, 5)})
        store.principals.spend("applicant_2", {"keys": Spent(18, 6)})
        store.principals.spend("applicant_1", newest)
        assert store.principals.spent("applicant_1") == newest
        assert store.principals.spent("applicant_2") == {"keys": Spent(18, 6)}
        store.principals.spend("applicant_1", {})
        assert store.principals.spent("applicant_1") == {}

    def test_a_principal_is_found_by_its_id_until_its_token_has_ended(self, store):
        principal = Principal("applicant_1", "applicant", "one")
        store.principals.add(b"digest", principal)
        assert store.principals.holder("applicant_1") == principal
        assert store.principals.holder("applicant_2") is None
        store.principals.end("applicant_1")
        assert store.principals.holder("applicant_1") is None

    def test_people_of_an_organization_are_found_and_say_who_administers_it(self, store):
        first = Principal("applicant_1", "applicant", "utility")
        colleague = Principal("applicant_2", "applicant", "ana", None, "applicant_1", administers=False)
        other = Principal("applicant_3", "applicant", "ana")
        staff = [Principal(f"developer_{each}", "developer", each) for each in ("b", "a")]
        agency = [Principal(f"agency_{each}", "agency", each, "oncd") for each in ("c", "d")]
        for number, each in enumerate([colleague, first, other, *staff, *agency]):
            store.principals.add(bytes([number]) * 32, each)
        store.principals.add(b"x" * 32, Principal("agency_e", "agency", "e", "ostp"))
        for each in (first, colleague):
            assert store.principals.team(each) == [colleague, first]
            assert store.principals.holder(each.id) == each
        assert store.principals.by_token(bytes([0]) * 32) == colleague
        assert store.principals.team(other) == [other]
        assert store.principals.team(staff[0]) == staff[::-1]
        assert store.principals.team(agency[1]) == agency
        store.principals.administer("applicant_2", administers=True)
        store.principals.administer("applicant_1", administers=False)
        store.principals.end("applicant_2")
        assert [each.administers for each in store.principals.team(first)] == [True, False]
        assert [each.id for each in store.principals.team(first, ended=False)] == ["applicant_1"]
        assert {each.id: each.administers for each in store.principals.all()}["applicant_1"] is False

    def test_names_are_of_an_organizations_people(self, store):
        first = Principal("applicant_1", "applicant", "ana")
        colleague = Principal("applicant_2", "applicant", "ana", None, "applicant_9", administers=False)
        store.principals.add(b"\x01" * 32, first)
        store.principals.add(b"\x02" * 32, colleague)
        store.principals.replace(b"\x03" * 32, colleague)
        store.principals.replace(b"\x04" * 32, first)
        assert store.principals.by_token(b"\x03" * 32) == colleague
        assert store.principals.by_token(b"\x04" * 32) == first
        back = replace(colleague, administers=True)
        store.principals.replace(b"\x05" * 32, back)
        assert store.principals.holder("applicant_2") == back
        store.principals.replace(b"\x06" * 32, replace(first, administers=False))
        store.principals.replace(b"\x07" * 32, first)
        assert store.principals.holder("applicant_1") == first
        assert len(store.principals.all()) == 2

    def test_namesakes_are_of_one_organization_or_begin_one_alike(self, store):
        first, other = (
            Principal("applicant_1", "applicant", "ana"),
            Principal("applicant_2", "applicant", "bo"),
        )
        ana = Principal("applicant_3", "applicant", "ana", None, "applicant_2")
        oncd, ostp = (Principal(f"agency_{each}", "agency", "joe", each) for each in ("oncd", "ostp"))
        gateway = Principal("gateway_1", "gateway", "ana")
        for number, each in enumerate((first, other, ana, oncd, ostp, gateway)):
            store.principals.add(bytes([number]) * 32, each)
        for role, name, party, begun, expected in [
            ("applicant", "ana", None, None, [first]),
            ("applicant", "ana", None, "applicant_2", [ana]),
            ("applicant", "bo", None, "applicant_2", [other]),
            ("applicant", "bo", None, "applicant_1", []),
            ("agency", "joe", "oncd", None, [oncd]),
            ("agency", "joe", "ostp", "agency_x", [ostp]),
            ("agency", "joe", "caisi", None, []),
            ("gateway", "ana", None, None, [gateway]),
        ]:
            assert store.principals.namesakes(Principal("new", role, name, party, begun)) == expected
        for number, each in enumerate((oncd, ana)):
            store.principals.replace(bytes([9, number]) * 16, each)
        assert len(store.principals.all()) == 6
