"""Workflows, registered in code.

A workflow is a class whose methods marked with :func:`step` run in the order they are written, or
a function, which is a workflow of one step::

    @workflow("nightly-report", retry=RetryPolicy(max_attempts=3))
    class NightlyReport:
        \"\"\"Collects the day's trades and sends their summary.\"\"\"

        @step
        def collect(self, context: RunContext) -> list[str]: ...

        @step
        def deliver(self, context: RunContext) -> None:
            send(context.results["collect"])

It belongs in the module ``workflows`` of an installed app, where it is found by itself.

What a step returns must be JSON. It is kept in the database before the next step begins, so that a
run that was interrupted goes on after its last finished step. A step that was interrupted itself
runs again: it must bear that. So does one that failed, as ``retry`` says; a consumer does nothing
else while it waits for that, so waits are to be short.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar, overload
from uuid import UUID

from kafka_worker.policies import RetryPolicy
from workflow.exceptions import InvalidWorkflow, UnknownWorkflow
from workflow.messages import NAME_PATTERN

__all__ = [
    "RetryPolicy",
    "RunContext",
    "StepDefinition",
    "WorkflowDefinition",
    "get_workflow",
    "registered_workflows",
    "step",
    "workflow",
]

DEFAULT_RETRY = RetryPolicy(max_attempts=3, first_delay=timedelta(seconds=1))
_STEP_NAME = "_workflow_step_name"

StepFunction: TypeAlias = Callable[..., Any]
Target = TypeVar("Target", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a step is given.

    Attributes:
        run_id: the run; with ``step`` a key under which an outside effect can be made only once.
        workflow: name of the workflow.
        step: name of the step.
        attempt: which attempt of this step it is, from 1.
        payload: what the run was started with; a copy.
        results: what the finished steps returned, by step name; a copy.
    """

    run_id: UUID
    workflow: str
    step: str
    attempt: int
    payload: dict[str, Any]
    results: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StepDefinition:
    """One step of a workflow.

    Attributes:
        name: unique in its workflow. A run resumes by it, so renaming a step runs it anew.
        function: what to call.
        owner: the class whose method it is.
    """

    name: str
    function: StepFunction
    owner: type | None = None

    def bound(self) -> StepFunction:
        """The callable that takes the context; of a new instance, since only results last."""
        if self.owner is None:
            return self.function
        method: StepFunction = self.function.__get__(self.owner())
        return method


@dataclass(frozen=True, slots=True)
class WorkflowDefinition:
    """A registered workflow.

    Attributes:
        name: how messages and people call it.
        steps: in the order they run.
        retry: what happens after a failure.
        source: ``module.qualified_name`` of the class or function.
        description: first line of its docstring.
    """

    name: str
    steps: tuple[StepDefinition, ...]
    retry: RetryPolicy
    source: str
    description: str


_workflows: dict[str, WorkflowDefinition] = {}


def workflow(name: str, *, retry: RetryPolicy = DEFAULT_RETRY) -> Callable[[Target], Target]:
    """Register the decorated class or function as a workflow.

    Args:
        name: letters, digits, ``.``, ``_`` and ``-``; at most 100.
        retry: how often a step may fail before the run has failed, and the waits in between;
            by default three times.

    Raises:
        InvalidWorkflow: the name is taken or malformed, or the target has no proper steps.
    """

    def register(target: Target) -> Target:
        definition = _define(name, target, retry)
        present = _workflows.setdefault(name, definition)
        if present.source != definition.source:
            raise InvalidWorkflow(
                f"workflow {name!r} of {definition.source} is already that of {present.source}"
            )
        return target

    return register


@overload
def step(function: Target, /) -> Target: ...
@overload
def step(*, name: str) -> Callable[[Target], Target]: ...
def step(function: Callable[..., Any] | None = None, /, *, name: str | None = None) -> Any:
    """Mark a method as a step; its name is the method's unless one is given."""

    def mark(target: Callable[..., Any]) -> Callable[..., Any]:
        setattr(target, _STEP_NAME, name or target.__name__)
        return target

    return mark if function is None else mark(function)


def get_workflow(name: str) -> WorkflowDefinition:
    """The workflow registered under ``name``.

    Raises:
        UnknownWorkflow: there is none; the message names those that there are.
    """
    try:
        return _workflows[name]
    except KeyError:
        known = ", ".join(sorted(_workflows)) or "none"
        raise UnknownWorkflow(
            f"no installed app registers a workflow {name!r}; known: {known}"
        ) from None


def registered_workflows() -> list[WorkflowDefinition]:
    """Every registered workflow, by name."""
    return [_workflows[name] for name in sorted(_workflows)]


def _define(name: str, target: Callable[..., Any], retry: RetryPolicy) -> WorkflowDefinition:
    source = f"{target.__module__}.{target.__qualname__}"
    steps = _steps_of_class(target) if isinstance(target, type) else _single_step(target)
    _check(name, steps, source)
    description = (inspect.getdoc(target) or "").partition("\n")[0]
    return WorkflowDefinition(name, steps, retry, source, description)


def _single_step(function: Callable[..., Any]) -> tuple[StepDefinition, ...]:
    return (StepDefinition(function.__name__, function),)


def _steps_of_class(owner: type) -> tuple[StepDefinition, ...]:
    methods: dict[str, StepFunction] = {}
    for base in reversed(owner.__mro__):
        methods.update(
            {
                attribute: value
                for attribute, value in vars(base).items()
                if hasattr(value, _STEP_NAME)
            }
        )
    return tuple(
        StepDefinition(getattr(method, _STEP_NAME), method, owner) for method in methods.values()
    )


def _check(name: str, steps: tuple[StepDefinition, ...], source: str) -> None:
    names = [one.name for one in steps]
    malformed = [text for text in (name, *names) if not re.search(NAME_PATTERN, text)]
    if malformed:
        raise InvalidWorkflow(f"{source}: {malformed[0]!r} does not match {NAME_PATTERN}")
    if not steps:
        raise InvalidWorkflow(f"{source} has no method marked with @step")
    if len(set(names)) < len(names):
        raise InvalidWorkflow(f"{source} has two steps of one name: {', '.join(names)}")
    for one in steps:
        if inspect.iscoroutinefunction(one.function):
            raise InvalidWorkflow(
                f"{source}: step {one.name!r} is async; steps are plain functions"
            )
