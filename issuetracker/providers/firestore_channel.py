"""A line to Firestore: address, credentials, and its methods on plain protobuf messages.

Google's client wraps every message in proto-plus objects, which costs ten times the CPU of the
plain messages underneath; its transport, credentials and message types are used as they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import google.auth
import grpc
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
from google.cloud.firestore_v1.types import firestore as requests
from google.oauth2 import service_account
from grpc.experimental import ChannelOptions

from issuetracker.exceptions import StoreRefused, StoreUnavailable

CommitRequest = requests.CommitRequest.pb()
CommitResponse = requests.CommitResponse.pb()
BatchGetDocumentsRequest = requests.BatchGetDocumentsRequest.pb()
BatchGetDocumentsResponse = requests.BatchGetDocumentsResponse.pb()
RunQueryRequest = requests.RunQueryRequest.pb()
RunQueryResponse = requests.RunQueryResponse.pb()

_SCOPES = ("https://www.googleapis.com/auth/datastore",)
_SERVICE = "/google.firestore.v1.Firestore/"
#: Seconds that one request may take; the caller retries in its own rhythm.
READ_SECONDS = 3.0
WRITE_SECONDS = 5.0

HOW_TO_CONFIGURE = (
    "Put a service account's key at .credentials/integrations/firebase.json, or set "
    "GOOGLE_APPLICATION_CREDENTIALS to its path and GOOGLE_CLOUD_PROJECT to the project; "
    "for the emulator set FIRESTORE_EMULATOR_HOST (host:port) and GOOGLE_CLOUD_PROJECT."
)


class NotConfigured(Exception):
    """There are no credentials, or no project; the message says what to put where."""


class Conflict(Exception):
    """A precondition did not hold, or others wrote at the same time; nothing was written."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a Firestore database.

    Attributes:
        project: the Google Cloud project.
        emulator: ``host:port`` of an emulator, or empty for Firestore itself.
        credentials: Google's credentials; None for an emulator.
    """

    project: str
    emulator: str
    credentials: Any


def find_access(project: str, credentials: Path, emulator: str) -> Access:
    """Look for an emulator, the project's own credentials file, Google's usual places, in turn.

    Raises:
        NotConfigured: nothing was found, or no project is named.
    """
    if emulator:
        return Access(_named(project), emulator, None)
    try:
        if credentials.is_file():
            found = service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]
                str(credentials), scopes=_SCOPES
            )
            return Access(_named(project or found.project_id), "", found)
        found, default_project = google.auth.default(scopes=_SCOPES)
    except (DefaultCredentialsError, ValueError, OSError) as error:
        raise NotConfigured(f"Firestore has no usable credentials: {error}") from error
    return Access(_named(project or default_project or ""), "", found)


def _named(project: str) -> str:
    if not project:
        raise NotConfigured("Firestore has no project: GOOGLE_CLOUD_PROJECT is not set.")
    return project


class FirestoreChannel:
    """One connection, shared by all threads of a process; not to be used after a fork."""

    def __init__(self, access: Access) -> None:
        self.database = f"projects/{access.project}/databases/(default)"
        self._metadata = [("google-cloud-resource-prefix", self.database)]
        if access.emulator:
            channel = grpc.insecure_channel(access.emulator, options=_OPTIONS)
            # The emulator takes this for the project's owner, whom no rule holds back.
            self._metadata.append(("authorization", "Bearer owner"))
        else:
            channel = FirestoreGrpcTransport(
                credentials=access.credentials, channel=_secure_channel
            ).grpc_channel
        self._commit = channel.unary_unary(
            f"{_SERVICE}Commit",
            response_deserializer=CommitResponse.FromString,
        )
        self._batch_get = channel.unary_stream(
            f"{_SERVICE}BatchGetDocuments",
            request_serializer=BatchGetDocumentsRequest.SerializeToString,
            response_deserializer=BatchGetDocumentsResponse.FromString,
        )
        self._run_query = channel.unary_stream(
            f"{_SERVICE}RunQuery",
            request_serializer=RunQueryRequest.SerializeToString,
            response_deserializer=RunQueryResponse.FromString,
        )

    def commit(self, parts: Iterable[bytes]) -> None:
        """Make all the writes of ``parts``, or none.

        Args:
            parts: ``CommitRequest`` messages as bytes. What stands in several protobuf messages
                one after the other stands in one: so each write is made where it is sent from,
                its size is known, and none is copied.

        Raises:
            Conflict: a precondition did not hold; nothing was written.
            StoreRefused: they can never be made; nothing was written.
            StoreUnavailable: they may have been made or not.
        """
        request = CommitRequest(database=self.database).SerializeToString()
        try:
            self._commit(
                b"".join([request, *parts]), timeout=WRITE_SECONDS, metadata=self._metadata
            )
        except (grpc.RpcError, GoogleAuthError) as error:
            raise translated(error) from error

    def batch_get(self, names: Iterable[str], fields: Iterable[str] = ()) -> list[Any]:
        """The documents that exist under the full ``names``, in no order.

        Args:
            names: full names of documents.
            fields: only these fields; by default all.

        Raises:
            StoreUnavailable: there was no answer.
        """
        request = BatchGetDocumentsRequest(database=self.database, documents=names)
        request.mask.field_paths.extend(fields)
        if not request.mask.field_paths:
            request.ClearField("mask")
        answers = self._stream(self._batch_get, request)
        return [answer.found for answer in answers if answer.HasField("found")]

    def run_query(self, parent: str, query: Any) -> list[Any]:  # noqa: ANN401 - a protobuf message
        """The documents that match a ``StructuredQuery``, in its order.

        Args:
            parent: relative name of the document the collection lies under; empty for the root.
            query: the query.

        Raises:
            StoreUnavailable: there was no answer.
        """
        path = f"{self.database}/documents" + (f"/{parent}" if parent else "")
        request = RunQueryRequest(parent=path, structured_query=query)
        answers = self._stream(self._run_query, request)
        return [answer.document for answer in answers if answer.HasField("document")]

    def _stream(self, method: Any, request: Any) -> list[Any]:  # noqa: ANN401 - gRPC is untyped
        try:
            return list(method(request, timeout=READ_SECONDS, metadata=self._metadata))
        except (grpc.RpcError, GoogleAuthError) as error:
            found = translated(error)
            if isinstance(found, Conflict):
                # Nobody can race with a read: the database or an index of it is missing, which
                # an operator can mend.
                found = StoreUnavailable(f"Firestore cannot answer this ({found})")
            raise found from error


# A read's answer is a stream of one message for each document. By default each is handed from a
# thread to its caller, which costs as much again as all the rest of the read, and more.
_STREAMS = (ChannelOptions.SingleThreadedUnaryStream, 1)
# After a restart of the server the line is tried again soon, and a dead one is noticed.
_OPTIONS = [
    _STREAMS,
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_receive_message_length", -1),
]


def _secure_channel(*arguments: Any, options: Iterable[Any], **others: Any) -> Any:  # noqa: ANN401 - as Google's transport calls it
    """Google's own channel to Firestore, with cheaper streams."""
    make = FirestoreGrpcTransport.create_channel
    return make(*arguments, options=[*options, _STREAMS], **others)


_CONFLICTS = {"FAILED_PRECONDITION", "ALREADY_EXISTS", "NOT_FOUND", "ABORTED"}
_NOT_ALLOWED = {"PERMISSION_DENIED", "UNAUTHENTICATED"}


def translated(error: Exception) -> Exception:
    """The error of this package that says what Google's ``error`` means for the caller."""
    if not isinstance(error, grpc.RpcError):
        return StoreUnavailable(f"Google did not accept the credentials: {error}")
    code, details = error.code().name, error.details()
    if code in _CONFLICTS:
        return Conflict(f"{code}: {details}")
    if code == "INVALID_ARGUMENT":
        return StoreRefused(f"Firestore refused it: {details}")
    if code in _NOT_ALLOWED:
        # An operator can mend this, so what waits for the store must not be dropped.
        return StoreUnavailable(
            f"Firestore does not let us in ({code}: {details}): give the service account the "
            "role roles/datastore.user"
        )
    return StoreUnavailable(f"Firestore did not answer ({code}: {details})")
