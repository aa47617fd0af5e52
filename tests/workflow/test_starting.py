"""The commands: start, list, retry."""

import functools
import json
import uuid
from datetime import timedelta
from io import StringIO
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer
from django.core.management import call_command
from django.core.management.base import CommandError

from kafka_worker.registry import get
from tests.services import KafkaBroker
from tests.workflow.tracker import LocalTracker, closed_port
from workflow.models import Run, Status
from workflow.publisher import publish
from workflow.starting import retry_run, start_workflow

pytestmark = pytest.mark.django_db


def _call(*arguments: str) -> str:
    output = StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


@pytest.fixture
def broker_down(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.KAFKA_WORKER = {"bootstrap_servers": closed_port().removeprefix("http://")}
    quick = functools.partial(publish, timeout=timedelta(seconds=0.5))
    monkeypatch.setattr("workflow.starting.publish", quick)


@pytest.fixture
def local(settings: Any, tracker: LocalTracker) -> LocalTracker:
    """The tracker that `--local` runs report to."""
    settings.ENVIRONMENT = _with(settings.ENVIRONMENT, issuetracker_url=tracker.url)
    return tracker


def _with(environment: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(environment, **changes)


def _read_one(kafka: KafkaBroker, topic: str) -> tuple[bytes, dict[str, Any]]:
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": kafka.group(),
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])
    try:
        message = consumer.poll(20)
    finally:
        consumer.close()
    assert message is not None
    assert message.error() is None
    key, value = message.key(), message.value()
    assert isinstance(key, bytes)
    assert isinstance(value, bytes)
    return key, json.loads(value)


def test_a_started_run_is_noted_and_its_message_is_on_the_topic(
    kafka: KafkaBroker, settings: Any
) -> None:
    settings.KAFKA_WORKER = {"bootstrap_servers": kafka.bootstrap_servers}
    topic = kafka.topic("workflows")
    run = start_workflow("nightly-report", {"fail": False}, topic=topic)
    assert (Run.objects.get().pk, run.status) == (run.pk, Status.PENDING)
    assert _read_one(kafka, topic) == (
        str(run.pk).encode(),
        {"workflow": "nightly-report", "run_id": str(run.pk), "payload": {"fail": False}},
    )


def test_a_broker_that_is_down_leaves_a_pending_run_and_says_how_to_send_it_again(
    broker_down: None,
) -> None:
    run_id = str(uuid.uuid4())
    for _ in range(2):
        with pytest.raises(CommandError, match=f"did not acknowledge.*(?s:.)*--run-id {run_id}"):
            _call("start_workflow", "nightly-report", "--run-id", run_id)
    assert Run.objects.get().status == Status.PENDING


def test_without_a_broker_the_command_says_what_to_set(settings: Any) -> None:
    settings.KAFKA_WORKER = {"bootstrap_servers": ""}
    with pytest.raises(CommandError, match=r"No Kafka broker is named.*--local"):
        _call("start_workflow", "nightly-report")
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such"], "'no-such'; known: .*nightly-report"),
        (["nightly-report", "--payload", "{"], "--payload is not JSON"),
        (["nightly-report", "--payload", "[1]"], "--payload must be a JSON object"),
        (["nightly-report", "--payload", '{"x": NaN}'], "cannot be used"),
        (["nightly-report", "--payload", '{"x": "\\u0000"}'], "cannot be used"),
        (["nightly-report", "--run-id", "7"], "run-id"),
    ],
)
def test_a_wrong_argument_is_answered_with_what_is_wrong(
    arguments: list[str], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        _call("start_workflow", "--local", *arguments)
    assert not Run.objects.exists()


def test_a_run_id_cannot_be_used_for_something_else(local: LocalTracker) -> None:
    run_id = str(uuid.uuid4())
    _call(
        "start_workflow",
        "nightly-report",
        "--local",
        "--payload",
        '{"fail": false}',
        "--run-id",
        run_id,
    )
    with pytest.raises(CommandError, match="exists with another workflow or payload"):
        _call("start_workflow", "nightly-report", "--local", "--run-id", run_id)


def test_a_local_run_says_how_each_step_ended(local: LocalTracker) -> None:
    output = _call("start_workflow", "nightly-report", "--local", "--payload", '{"fail": false}')
    assert "deliver: succeeded" in output
    assert local.reports == []


def test_a_local_run_that_fails_is_reported_and_ends_the_command_with_its_error(
    local: LocalTracker,
) -> None:
    with pytest.raises(CommandError, match="ReportNotDelivered"):
        _call("start_workflow", "nightly-report", "--local")
    assert len(local.reports) == 1
    assert Run.objects.get().status == Status.FAILED


def test_the_list_names_every_workflow_with_its_steps() -> None:
    output = _call("list_workflows")
    assert "nightly-report" in output
    assert "collect_trades, sum_up, deliver" in output


def test_only_a_failed_run_is_retried(local: LocalTracker, broker_down: None) -> None:
    with pytest.raises(CommandError, match="there is no run"):
        _call("retry_workflow", str(uuid.uuid4()))
    _call("start_workflow", "nightly-report", "--local", "--payload", '{"fail": false}')
    with pytest.raises(CommandError, match="has not failed; it is succeeded"):
        _call("retry_workflow", str(Run.objects.get().pk))
    Run.objects.update(status=Status.FAILED)
    with pytest.raises(CommandError, match=r"closed|refused|no answer|timed out"):
        _call("retry_workflow", str(Run.objects.get().pk))
    assert Run.objects.get().status == Status.PENDING


def test_the_consumer_reads_the_topic_in_the_group_that_others_rely_on(
    settings: Any,
) -> None:
    settings.KAFKA_WORKER = {"bootstrap_servers": ""}
    handler = get("workflow-consumer")
    assert (handler.topic, handler.group) == ("alphafusion.workflows", "workflow-consumer")
    with pytest.raises(CommandError, match="No Kafka broker is named"):
        call_command("run_workflow_consumer", skip_checks=True)


def test_a_retried_run_has_its_message_on_the_topic_again(
    kafka: KafkaBroker, settings: Any
) -> None:
    settings.KAFKA_WORKER = {"bootstrap_servers": kafka.bootstrap_servers}
    topic = kafka.topic("workflows")
    run = Run.objects.create(workflow="nightly-report", status=Status.FAILED)
    run.steps.create(name="deliver", index=2, status=Status.FAILED, attempts=3)
    retry_run(run.pk, topic=topic)
    assert _read_one(kafka, topic)[1]["run_id"] == str(run.pk)
    run.refresh_from_db()
    assert (run.status, run.steps.get().status, run.steps.get().attempts) == (
        Status.PENDING,
        Status.PENDING,
        0,
    )
