"""The database fails under a run: the message is kept, nothing finished is lost."""

import uuid
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from kafka_worker.exceptions import Unavailable
from tests.workflow.messages import start
from workflow.models import Run, Status
from workflow.processor import WorkflowProcessor
from workflow.registry import RunContext, step, workflow


def _kill_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_connection_lost_during_a_step_does_not_cost_its_result(
    postgres_default: str, processor: WorkflowProcessor
) -> None:
    calls = []

    @workflow("reconnecting")
    def reconnecting(context: RunContext) -> str:
        calls.append(context.attempt)
        _kill_connections(postgres_default)
        return "kept"

    message = start("reconnecting")
    processor.process(message)
    assert calls == [1]
    assert Run.objects.get(pk=message.run_id).status == Status.SUCCEEDED


def test_a_database_that_is_away_keeps_the_message_and_later_the_run_goes_on(
    postgres_default: str, processor: WorkflowProcessor
) -> None:
    calls = []
    away = pytest.MonkeyPatch()

    @workflow("outage")
    class Outage:
        @step
        def first(self, _context: RunContext) -> int:
            calls.append("first")
            return 1

        @step
        def second(self, _context: RunContext) -> int:
            calls.append("second")
            if len(calls) == 2:
                away.setitem(connection.settings_dict, "PORT", "1")
                connection.close()
            return 2

    message = start("outage")
    with pytest.raises(Unavailable, match="the workflow database is unavailable"):
        processor.process(message)
    with pytest.raises(Unavailable, match="the workflow database is unavailable"):
        processor.process(message)
    away.undo()
    processor.process(message)
    assert calls == ["first", "second", "second"]
    assert Run.objects.get(pk=message.run_id).status == Status.SUCCEEDED


def test_a_missing_database_is_an_outage_and_not_the_messages_fault(
    sqlite_file: str, processor: WorkflowProcessor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "NAME", tmp_path / "none" / "there.sqlite3")
    with pytest.raises(Unavailable):
        processor.process(start("nightly-report", uuid.uuid4()))
