"""Where a request comes from, as far as it can be believed."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

#: Leading bits of an address by which a network is told from another, and no person is.
_IPV4_NETWORK, _IPV6_NETWORK = 24, 48
#: Leading bits that one subscriber has to himself: below them he changes the address as he likes.
_IPV6_SUBSCRIBER = 64


def client_address(request: HttpRequest) -> str | None:
    """Whom failed logins are counted for: an IPv4 address, or the /64 that an IPv6 address is in.

    Without proxies (``ISSUETRACKER_PROXIES``, 0 by default) it is the connection's other end, and
    no header is believed. With so many, it is what the outermost of them wrote: each appends whom
    it heard to ``X-Forwarded-For``, so that what the caller wrote himself stands further left.
    """
    address = _parsed(_claimed(request)) or _parsed(request.META.get("REMOTE_ADDR", ""))
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_SUBSCRIBER), strict=False).network_address)
    return str(address) if address else None


def network_of(address: str | None) -> str:
    """The network of an address, such as ``203.0.113.0/24``; empty when it is not known."""
    parsed = _parsed(address or "")
    if parsed is None:
        return ""
    bits = _IPV4_NETWORK if isinstance(parsed, IPv4Address) else _IPV6_NETWORK
    return str(ip_network((parsed, bits), strict=False))


def _claimed(request: HttpRequest) -> str:
    proxies: int = settings.ISSUETRACKER_PROXIES
    heard = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    # Fewer than there are proxies: the request came past one of them.
    return heard[-proxies].strip() if 0 < proxies <= len(heard) else ""


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
