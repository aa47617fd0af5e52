"""Where the workflow app's parts are put together."""

import logging
from functools import cached_property

from django.conf import settings

from issuetracker.client import IssueTrackerClient
from workflow.processor import WorkflowProcessor

logger = logging.getLogger(__name__)


class DependencyContainer:
    """The parts of one process that runs workflows; each is made when it is first asked for."""

    @cached_property
    def issue_tracker_client(self) -> IssueTrackerClient:
        """The client that reports exceptions."""
        return self._create_issue_tracker_client()

    @cached_property
    def workflow_processor(self) -> WorkflowProcessor:
        """The processor of messages that start workflows."""
        return WorkflowProcessor(self.issue_tracker_client)

    def close(self) -> None:
        """Send what is still to be reported, within a bound, and let go of everything."""
        if "issue_tracker_client" in self.__dict__:
            self.issue_tracker_client.close()

    def _create_issue_tracker_client(self) -> IssueTrackerClient:
        environment = settings.ENVIRONMENT
        # In the background: a tracker that is slow must not slow a run down, and one that is away
        # for a moment gets the report when it is back.
        client = IssueTrackerClient(
            environment.issuetracker_url or None,
            token=environment.issuetracker_token or None,
            background=True,
        )
        logger.info("Issue tracker client initialized (for exception reporting)")
        return client
