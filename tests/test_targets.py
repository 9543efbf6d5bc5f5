from __future__ import annotations

from ipaddress import ip_address

import pytest

from sluicegate import targets
from sluicegate.errors import InvalidInput

HERE = targets.networks("127.0.0.0/8, fd00:1::/32")

PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"]
PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "127.0.0.1", "127.255.255.254",
    "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.8", "192.0.0.9",
    "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7",
    "203.0.113.9", "224.0.0.1", "224.0.1.1", "233.252.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::",
    "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1",
    "2002:c0a8:101::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
    "2606:4700::1%eth0",
    "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_reached_by_https(address):
    found = ip_address(address)
    assert targets.may_reach(found, 443, (), encrypted=True)
    assert targets.may_reach(found, 1024, (), encrypted=True)
    assert not targets.may_reach(found, 443, (), encrypted=False)
    assert not targets.may_reach(found, 443, HERE, encrypted=False)


@pytest.mark.parametrize("port", [0, 1, 22, 25, 53, 80, 110, 442, 444, 587, 1023])
def test_a_port_of_another_service_is_not_reached(port):
    assert not targets.may_reach(ip_address("8.8.8.8"), port, (), encrypted=True)
    assert targets.may_reach(ip_address("127.0.0.1"), port, HERE, encrypted=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_no_other_address_is_reached(address):
    assert not targets.may_reach(ip_address(address), 443, (), encrypted=True)
    other = targets.networks("10.99.0.0/16, fd99::/16")
    assert not targets.may_reach(ip_address(address), 443, other, encrypted=True)


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::ffff:127.0.0.1", True),
        ("fd00:1::5", True),
        ("fd00:2::5", False),
        ("::1", False),
        ("126.255.255.255", False),
        ("10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_the_operator_allows_networks_by_name(address, may):
    assert targets.may_reach(ip_address(address), 8080, HERE, encrypted=False) is may


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "https://example.org/hooks/1?x=2",
        "https://example.org:8443/",
        "https://EXAMPLE.org/",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "https://xn--bcher-kva.example/",
        "https://example.org./",
    ],
)
def test_a_webhook_is_https(url):
    targets.check_webhook(url, ())


UNFIT = [
    "", "example.org", "//example.org", "https://", "https:///x", "http://example.org", "http://127.0.0.1/",
    "ftp://example.org", "file:///etc/passwd", "gopher://example.org", "javascript:alert(1)",
    "https://user@example.org", "https://user:word@example.org", "https://@example.org", "https://:@example.org",
    "https://example.org/#part", "https://example.org:80", "https://example.org:22", "https://example.org:0",
    "https://example.org:65536", "https://example.org:x", "https://exam ple.org", "https://example.org/\n",
    "https://example.org\\@10.0.0.1/", "https://example.org/é", "https://é.example/", "https://[::1",
    "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/",
    "https://[fe80::1%25eth0]/", "https://169.254.169.254/latest/meta-data/", "https://0.0.0.0/",
    "https://%31%32%37.0.0.1/", "https://" + "a" * 1_100,
]  # fmt: skip


@pytest.mark.parametrize("url", UNFIT)
def test_any_other_url_is_refused_when_it_is_given(url):
    with pytest.raises(InvalidInput) as caught:
        targets.check_webhook(url, ())
    assert caught.value.code in ("target_invalid", "target_private")


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("http://127.0.0.1:9000/hook", True),
        ("https://127.0.0.1:22/hook", True),
        ("http://inside.example/", True),
        ("http://10.0.0.1/", False),
        ("http://8.8.8.8/", False),
        ("http://user@127.0.0.1/", False),
    ],
)
def test_plain_http_is_for_allowed_networks(url, fits):
    if fits:
        targets.check_webhook(url, HERE)
    else:
        with pytest.raises(InvalidInput):
            targets.check_webhook(url, HERE)


@pytest.mark.parametrize("url", [*UNFIT, "http://127.0.0.1:9000/keys", "http://inside.example/"])
def test_keys_are_fetched_by_https_everywhere(url):
    targets.check_jwks("https://login.example.org/tenant/keys?v=2", ())
    targets.check_jwks("https://127.0.0.1:22/keys", HERE)
    with pytest.raises(InvalidInput):
        targets.check_jwks(url, ())
    if url.startswith("http:"):
        with pytest.raises(InvalidInput):
            targets.check_jwks(url, HERE)


@pytest.mark.parametrize("address", ["a@b", "reviews@example.org", "first.last+tag@mail.example.co"])
def test_a_mail_address(address):
    targets.check_mail(address)


@pytest.mark.parametrize(
    "address",
    [
        "", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b c", "a@b,c@d", "a@b\n", "a@b\r\nBcc: c@d", "<a@b>",
        "A <a@b>", '"a b"@c', "a@[127.0.0.1]", "a@.b", "a@b.", "a@b..c", "a..b@c", "é@b", "a@é",
        "a" * 65 + "@b", "a@" + "b" * 254,
    ],
)  # fmt: skip
def test_what_is_no_single_plain_mail_address(address):
    with pytest.raises(InvalidInput):
        targets.check_mail(address)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.1/8", "localhost", "10.0.0.0/8;10.1.0.0/16", "*"])
def test_networks_that_are_none(text):
    with pytest.raises(InvalidInput):
        targets.networks(text)


def test_no_network_is_no_network():
    assert targets.networks("") == targets.networks(" , ") == ()
