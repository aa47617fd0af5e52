"""Reports issues to the tracker from any service; needs neither Django nor Kafka.

::

    tracker = IssueTrackerClient(component="workflow-consumer", background=True)
    try:
        work()
    except Exception as error:
        tracker.log_exception(error, context={"order": order_id})
"""

from issuetracker.client.traces import ExceptionReport, report_of
from issuetracker.client.tracker import IssueTrackerClient

__all__ = ["ExceptionReport", "IssueTrackerClient", "report_of"]
