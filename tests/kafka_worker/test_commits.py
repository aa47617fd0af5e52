"""What stands beside a committed offset, in both forms that there are."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from kafka_worker.commits import Commit, commit_of, metadata_of

TIME = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def test_topic_and_time_come_back() -> None:
    text = metadata_of("cMfBnl/vS6i9sqskjglwyA", TIME.astimezone(timezone(timedelta(hours=2))))
    assert text == "cMfBnl/vS6i9sqskjglwyA 2026-11-23T09:30:00+00:00"
    assert commit_of(42, text) == Commit(42, "cMfBnl/vS6i9sqskjglwyA", TIME)


@pytest.mark.parametrize("metadata", ["an-id", "an-id ", "an-id yesterday"])
def test_a_commit_without_a_time_still_names_its_topic(metadata: str) -> None:
    assert commit_of(42, metadata) == Commit(42, "an-id", None)


@pytest.mark.parametrize("metadata", [None, ""])
def test_a_commit_of_another_program_counts_for_any_topic(metadata: str | None) -> None:
    commit = commit_of(42, metadata)
    assert commit == Commit(42, "", None)
    assert not commit.is_foreign("an-id")


def test_without_a_commit_there_is_no_offset() -> None:
    assert commit_of(-1001, None).offset is None


def test_a_commit_of_another_topic_is_foreign() -> None:
    assert Commit(42, "another").is_foreign("an-id")
    assert not Commit(42, "an-id").is_foreign("an-id")
