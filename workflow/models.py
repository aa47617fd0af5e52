"""Runs of workflows and their steps: the record of what happened, and what a run resumes from."""

import uuid
from typing import ClassVar

from django.db import models


class Status(models.TextChoices):
    """Where a run, or a step, stands."""

    PENDING = "pending", "pending"
    RUNNING = "running", "running"
    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"


class Recorded(models.Model):
    """What a run and a step have in common.

    Attributes:
        status: where it stands.
        attempts: how often it was begun.
        started_at: when it was first begun.
        finished_at: when it succeeded, or failed for good.
        error_type: qualified name of the latest exception, empty without one.
        error_message: its message, one or a few lines.
        error_trace: its traceback as Python prints it, with what caused it.
    """

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error_type = models.CharField(max_length=200, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    error_trace = models.TextField(blank=True, default="")

    class Meta:
        """An abstract model: no table."""

        abstract = True

    @property
    def error_summary(self) -> str:
        """The latest exception's name and message, without its module."""
        module = self.error_type.rpartition(".")[0]
        return self.error_message.removeprefix(f"{module}.")


class Run(Recorded):
    """One run of a workflow.

    Attributes:
        id: given by whoever starts it; the message's key.
        workflow: name of the registered workflow.
        payload: what it was started with.
        created_at: when it was first heard of.
        retry_at: when the failed step is tried again; the run is pending until then.
        issue_id: the issue as which its latest exception was reported.
        lease_owner: the processor that works on it now.
        lease_expires_at: when anyone may take it over, by the database's clock.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workflow = models.CharField(max_length=100)
    payload = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    issue_id = models.UUIDField(null=True, blank=True)
    lease_owner = models.UUIDField(null=True, blank=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        """Newest first, and quick to filter in that order."""

        ordering: ClassVar = ["-created_at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["-created_at", "id"], name="workflow_run_newest"),
            models.Index(fields=["status", "-created_at"], name="workflow_run_status"),
            models.Index(fields=["workflow", "-created_at"], name="workflow_run_workflow"),
        ]

    def __str__(self) -> str:
        return f"{self.workflow} {self.id}"

    @property
    def is_finished(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.status in {Status.SUCCEEDED, Status.FAILED}


class Step(Recorded):
    """One step of a run.

    Attributes:
        run: the run.
        name: the step's name in its workflow; a run resumes by it.
        index: its place in the workflow when the run was last taken up, from 0.
        interruptions: how many of the attempts neither finished nor failed: the process ended, or
            the database did not take their result.
        result: the JSON value it returned, once it succeeded.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(max_length=100)
    index = models.PositiveIntegerField()
    interruptions = models.PositiveIntegerField(default=0)
    result = models.JSONField(null=True, blank=True)

    class Meta:
        """In the order they run."""

        ordering: ClassVar = ["index", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "name"], name="workflow_step_once_per_run")
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.run_id}"

    @property
    def failures(self) -> int:
        """How many attempts raised an exception, of those that ended."""
        return self.attempts - self.interruptions
