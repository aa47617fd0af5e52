import pytest

from workflow.exceptions import InvalidWorkflow, UnknownWorkflow
from workflow.registry import (
    RunContext,
    get_workflow,
    registered_workflows,
    step,
    workflow,
)


def _nothing(context: RunContext) -> None:
    """Does nothing."""


def test_steps_of_a_class_run_in_the_order_they_are_written() -> None:
    @workflow("ordered")
    class Ordered:
        """First line.

        And more.
        """

        @step
        def zebra(self, _context: RunContext) -> int:
            return 1

        @step(name="second")
        def apple(self, _context: RunContext) -> int:
            return 2

        def helper(self) -> None: ...

    definition = get_workflow("ordered")
    assert [one.name for one in definition.steps] == ["zebra", "second"]
    assert definition.description == "First line."


def test_a_derived_class_replaces_a_step_in_its_place_and_adds_others_after() -> None:
    class Base:
        @step
        def first(self, _context: RunContext) -> str:
            return "base"

        @step
        def second(self, _context: RunContext) -> str:
            return "base"

    @workflow("derived")
    class Derived(Base):
        @step
        def third(self, _context: RunContext) -> str:
            return "derived"

        @step
        def first(self, _context: RunContext) -> str:
            return "derived"

    steps = get_workflow("derived").steps
    assert [one.name for one in steps] == ["first", "second", "third"]
    assert steps[0].function is Derived.first


def test_a_function_is_a_workflow_of_one_step() -> None:
    workflow("single")(_nothing)
    assert [one.name for one in get_workflow("single").steps] == ["_nothing"]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownWorkflow, match=r"'nothing'.*nightly-report"):
        get_workflow("nothing")


def test_workflows_of_installed_apps_are_found_by_themselves() -> None:
    assert "nightly-report" in [definition.name for definition in registered_workflows()]


def test_a_name_belongs_to_one_workflow() -> None:
    workflow("taken")(_nothing)
    with pytest.raises(InvalidWorkflow, match="already"):

        @workflow("taken")
        def other(context: RunContext) -> None: ...


@pytest.mark.parametrize("name", ["", "-x", "has space", "ümlaut", "x" * 101, "line\n"])
def test_a_malformed_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidWorkflow, match="does not match"):
        workflow(name)(_nothing)


def test_a_class_without_steps_is_refused() -> None:
    with pytest.raises(InvalidWorkflow, match="no method marked"):

        @workflow("empty")
        class Empty: ...


def test_two_steps_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidWorkflow, match="two steps of one name"):

        @workflow("twice")
        class Twice:
            @step(name="same")
            def one(self, _context: RunContext) -> None: ...

            @step(name="same")
            def two(self, _context: RunContext) -> None: ...


def test_an_async_step_is_refused() -> None:
    with pytest.raises(InvalidWorkflow, match="async"):

        @workflow("async")
        async def later(context: RunContext) -> None: ...
