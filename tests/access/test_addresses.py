"""Where a request comes from, as far as it can be believed."""

import pytest
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from issuetracker.access.addresses import client_address, network_of

PEER = "10.0.0.2"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "found"),
    [
        (0, None, PEER),
        (0, "203.0.113.7", PEER),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (1, "198.51.100.1,203.0.113.7", "203.0.113.7"),
        (2, "198.51.100.1, 203.0.113.7, 10.0.0.1", "203.0.113.7"),
        # Past one of the proxies, or not understood: whoever is connected.
        (1, None, PEER),
        (2, "203.0.113.7", PEER),
        (1, "203.0.113.7, unknown", PEER),
        (1, "203.0.113.7, ", PEER),
        (1, "x" * 5000, PEER),
    ],
)
def test_only_what_known_proxies_wrote_is_believed(
    settings: Settings, proxies: int, forwarded: str | None, found: str
) -> None:
    settings.ISSUETRACKER_PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded is not None else {}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR=PEER)
    assert client_address(request) == found


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", None),
        ("unix:", None),
    ],
)
def test_an_ipv6_subscriber_is_one_place(address: str, counted: str | None) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    assert client_address(request) == counted


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2::", "2001:db8:1::/48"),
        (None, ""),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_of_an_address_only_its_network_is_kept(address: str | None, network: str) -> None:
    assert network_of(address) == network
