"""Requests to the tracker, and what went wrong with them as sentences.

The client in :mod:`issuetracker.client` must never wait or raise; here a person waits for the
answer and wants to know what is wrong. So this speaks plain :mod:`http.client`, answers may be
long, and everything that fails is raised.
"""

import http.client
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from issuetracker.cli.documents import Page
from issuetracker.cli.failures import Misused, Unreachable
from issuetracker.cli.problems import failure_of

ISSUES = "/api/v1/issues"
PAGE_MOST = 200

Parameters = Sequence[tuple[str, str]]
Struct = TypeVar("Struct", bound=msgspec.Struct)

_SECONDS = 15.0
_STREAM_SECONDS = 60.0
_PIECE = 64 * 1024
_BROKEN = (OSError, http.client.HTTPException)


class AnswerCut(Exception):
    """The answer ended before it was whole."""


class Tracker:
    """One tracker's API.

    Args:
        url: its address.
        token: sent as the bearer token; None: none.

    Raises:
        Misused: ``url`` is no address.
    """

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url.rstrip("/")
        self._token = token
        try:
            parts = urlsplit(self.url)
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError:
            raise Misused(_no_address(url)) from None
        if parts.scheme not in ("http", "https") or not re.fullmatch(r"[!-~]+", self._host):
            raise Misused(_no_address(url))
        if not re.fullmatch(r"[!-~]*", parts.path) or parts.query or parts.fragment:
            raise Misused(_no_address(url))
        self._encrypted = parts.scheme == "https"
        self._base = parts.path

    def get(self, path: str, parameters: Parameters = ()) -> Any:  # noqa: ANN401 - JSON
        """The JSON document at an address.

        Raises:
            CommandFailed: there is none.
        """
        return self._document("GET", _address(path, parameters), None)

    def send(self, method: str, path: str, document: msgspec.Struct) -> Any:  # noqa: ANN401 - JSON
        """Send ``document``; what is answered.

        It must have an event id: when the answer is lost it is sent once more, and counts once.

        Raises:
            CommandFailed: it was not taken.
        """
        body = msgspec.json.encode(document)
        try:
            return self._document(method, path, body)
        except Unreachable as error:
            if not isinstance(error.__cause__, _BROKEN):
                raise
            return self._document(method, path, body)

    def pages(self, path: str, parameters: Parameters = ()) -> Iterator[Page]:
        """The pages of a list, from the first.

        Raises:
            CommandFailed: one of them cannot be had.
        """
        cursor: Parameters = ()
        while True:
            page = self._as(Page, self.get(path, [*parameters, *cursor]))
            yield page
            # Its host is the one that the tracker takes itself for; only the cursor counts.
            found = parse_qs(urlsplit(page.next or "").query).get("cursor")
            if not found:
                return
            cursor = [("cursor", found[-1])]

    def read(self, struct: type[Struct], value: object) -> Struct:
        """``value``, from an answer, as ``struct``.

        Raises:
            Unreachable: it is none, so this is no tracker.
        """
        return self._as(struct, value)

    @contextmanager
    def stream(self, path: str, parameters: Parameters) -> Iterator[Iterator[bytes]]:
        """An answer piece by piece, as it comes.

        Raises:
            CommandFailed: there is none.
            AnswerCut: while it is read: it ended before it was whole.
        """
        connection = self._connection(_STREAM_SECONDS)
        try:
            response = self._respond(connection, "GET", _address(path, parameters), None)
            yield _pieces(response)
        finally:
            connection.close()

    def _document(self, method: str, address: str, body: bytes | None) -> Any:  # noqa: ANN401 - JSON
        connection = self._connection(_SECONDS)
        try:
            response = self._respond(connection, method, address, body)
            content = response.read()
        except _BROKEN as error:
            raise Unreachable(self._silence(error)) from error
        finally:
            connection.close()
        try:
            return msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Unreachable(self._no_tracker()) from None

    def _connection(self, seconds: float) -> http.client.HTTPConnection:
        if not self._encrypted:
            return http.client.HTTPConnection(self._host, self._port, timeout=seconds)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(self._host, self._port, timeout=seconds, context=context)

    def _respond(
        self, connection: http.client.HTTPConnection, method: str, address: str, body: bytes | None
    ) -> http.client.HTTPResponse:
        """The answer, which is not an error; its body is still to be read."""
        headers = {"Accept": "application/json", "User-Agent": "issuetracker-command"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            connection.request(method, self._base + address, body, headers)
            response = connection.getresponse()
            if response.status < http.client.MULTIPLE_CHOICES:
                return response
            content = response.read(_PIECE)
        except _BROKEN as error:
            raise Unreachable(self._silence(error)) from error
        raise failure_of(self.url, response.status, response.headers, content)

    def _as(self, struct: type[Struct], value: object) -> Struct:
        try:
            return msgspec.convert(value, struct)
        except msgspec.ValidationError:
            raise Unreachable(self._no_tracker()) from None

    def _silence(self, error: Exception) -> str:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return (
            f"The tracker at {self.url} does not answer: {reason}.\n"
            "Is it running, and is this its address? Set ISSUETRACKER_URL, or give --url."
        )

    def _no_tracker(self) -> str:
        return (
            f"What answers at {self.url} is no issue tracker.\n"
            "Set ISSUETRACKER_URL to the tracker's address, or give --url."
        )


def _pieces(response: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while piece := response.read1(_PIECE):
            yield piece
    except _BROKEN as error:
        raise AnswerCut(str(error) or type(error).__name__) from error
    if response.length:
        raise AnswerCut(f"{response.length} bytes are missing")


def _address(path: str, parameters: Parameters) -> str:
    return f"{path}?{urlencode(parameters)}" if parameters else path


def _no_address(url: str) -> str:
    return f"{url} is no address of a tracker; one is like http://issuetracker:6001."
