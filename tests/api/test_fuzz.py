"""Whatever is sent, the answer is one that the OpenAPI document describes; over both stores."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, given, settings
from pytest_django.fixtures import Settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from issuetracker.access.permissions import every_name
from issuetracker.access.services import make_service_user
from issuetracker.access.tokens import create_token, tokens
from issuetracker.providers import get_store
from issuetracker.publisher import IssuePublisher
from tests.services import FirestoreEmulator

EXAMPLES = 8
#: Times that a request is sent which is told to come again: the machine may be busy.
ATTEMPTS = 5
#: That a cursor is one of this list, a tag the issue's, an assignee there, no schema can say.
BEYOND_A_SCHEMA: list[Any] = [positive_data_acceptance]
OPERATIONS = [
    "create_issue",
    "create_issues",
    "list_issues",
    "export_issues",
    "update_issues",
    "read_issue",
    "update_issue",
    "list_comments",
    "add_comment",
    "list_occurrences",
    "list_history",
]


@pytest.fixture
def emulator(firestore: FirestoreEmulator, settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Issues are in Firestore's emulator, not in Django's database."""
    settings.ISSUETRACKER_STORE = {
        "BACKEND": "issuetracker.providers.firebase.FirebaseHelperProvider",
        "OPTIONS": {
            "project": firestore.project,
            "credentials": tmp_path / "none.json",
            "emulator": firestore.host,
        },
    }
    get_store.cache_clear()
    yield
    get_store.cache_clear()


@pytest.fixture(params=["database", pytest.param("emulator", marks=pytest.mark.firestore)])
def headers(
    request: pytest.FixtureRequest,
    transactional_db: None,
    no_broker: IssuePublisher,
    settings: Settings,
) -> Iterator[dict[str, str]]:
    """The token of a service that may do everything, where a token is needed."""
    if request.param == "emulator":
        request.getfixturevalue("emulator")
    settings.ISSUETRACKER_ACCESS = "token"
    settings.ISSUETRACKER_RATE_LIMIT = 100_000
    tokens.forget()
    _, secret = create_token(make_service_user("fuzz"), "test", permissions=every_name())
    yield {"Authorization": f"Bearer {secret}", "Host": "localhost"}
    tokens.forget()


def described() -> Any:
    """The API as its own document describes it."""
    return schemathesis.openapi.from_wsgi("/api/v1/schema", get_wsgi_application())


def test_every_operation_is_tried(transactional_db: None) -> None:
    found = [result.ok() for result in described().get_all_operations()]
    assert {operation.definition.raw["operationId"] for operation in found} == set(OPERATIONS)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_one_that_the_document_describes(
    headers: dict[str, str], name: str, mode: schemathesis.GenerationMode
) -> None:
    operation = described().find_operation_by_id(name)

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings_of_a_short_run
    def check(case: schemathesis.Case[Any]) -> None:
        answer = case.call(headers=headers)
        for _ in range(ATTEMPTS):
            if answer.status_code != 503:
                break
            answer = case.call(headers=headers)
        case.validate_response(answer, headers=headers, excluded_checks=BEYOND_A_SCHEMA)

    check()


settings_of_a_short_run = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
