"""Ids of issues and events are the standard library's UUIDs, made in less time."""

import random
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuetracker.messages import NewIssue, new_event_id, new_issue_id

ISSUES = uuid.uuid5(uuid.NAMESPACE_DNS, "issues.alphafusion")


@given(st.text(st.characters(codec="utf-8")))
def test_an_issue_without_a_fingerprint_has_the_id_that_its_event_names(event_id: str) -> None:
    found = new_issue_id(NewIssue(title="-"), event_id)
    assert found == str(uuid.uuid5(ISSUES, event_id))


@given(st.integers(0, 2**128 - 1))
def test_an_event_id_is_a_random_uuid(bits: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random, "getrandbits", lambda _count: bits)
        found = new_event_id()
    assert found == str(uuid.UUID(int=bits, version=4))


def test_event_ids_differ() -> None:
    assert len({new_event_id() for _ in range(1000)}) == 1000
