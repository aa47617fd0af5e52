"""Whatever is sent, the answer is one that the OpenAPI document describes."""

from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, given, settings

from issuetracker.publisher import IssuePublisher

EXAMPLES = 25
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
def described(transactional_db: None, no_broker: IssuePublisher) -> Any:
    """The API as its own document describes it."""
    return schemathesis.openapi.from_wsgi("/api/v1/schema", get_wsgi_application())


def test_every_operation_is_tried(described: Any) -> None:
    found = [result.ok() for result in described.get_all_operations()]
    assert {operation.definition.raw["operationId"] for operation in found} == set(OPERATIONS)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_one_that_the_document_describes(
    described: Any, name: str, mode: schemathesis.GenerationMode
) -> None:
    operation = described.find_operation_by_id(name)

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(headers={"Host": "localhost"})

    check()
