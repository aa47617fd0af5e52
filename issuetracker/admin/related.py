"""The issues that an issue's page leads to: merged with it, or like it."""

from collections.abc import Iterable
from dataclasses import dataclass

from issuetracker.admin.addresses import issue_address
from issuetracker.admin.listing import issue_title
from issuetracker.issues import Issue, IssueQuery
from issuetracker.reading import known_issues, list_issues
from issuetracker.words import words_of

#: Issues that are looked through for similar ones, for each way of being so; the latest.
LOOKED_THROUGH = 20
SIMILAR = 6
#: Longest text that a search takes.
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Related:
    """Another issue, as a link.

    Attributes:
        issue: the other issue.
        why: what it has in common with this one; empty where the page says it.
    """

    issue: Issue
    why: str = ""

    @property
    def title(self) -> str:
        """What the link says."""
        return issue_title(self.issue)

    @property
    def address(self) -> str:
        """Where it leads."""
        return issue_address(self.issue.id)


def merge_target(issue: Issue) -> Related | None:
    """What ``issue`` is merged into, if that is known now."""
    if issue.merged_into is None:
        return None
    read = known_issues([issue.merged_into]).issues.get(issue.merged_into)
    return Related(read.issue) if read else None


def similar_issues(issue: Issue) -> list[Related]:
    """The latest issues with the same exception, then the latest of the same component.

    Two bounded questions; of an exception that is in no title nothing is found.

    Raises:
        StoreUnavailable: neither the store nor the recent view answers.
    """
    # What it is merged with stands elsewhere on the page.
    known = {issue.id, issue.merged_into, *issue.merged}
    found: list[Related] = []
    for why, others in (
        (f"also {_short_type(issue)}", _with_same_exception(issue)),
        (f"also in {issue.component}", _listed(IssueQuery(component=issue.component, muted=None))),
    ):
        for other in others:
            if other.id not in known:
                known.add(other.id)
                found.append(Related(other, why))
    return found[:SIMILAR]


def _with_same_exception(issue: Issue) -> Iterable[Issue]:
    name = _short_type(issue)
    if not words_of(name) or len(name) > _LONGEST:
        return []
    kind = issue.exception[0].type
    candidates = _listed(IssueQuery(text=name, muted=None))
    return [other for other in candidates if other.exception and other.exception[0].type == kind]


def _short_type(issue: Issue) -> str:
    return issue.exception[0].type.rpartition(".")[2] if issue.exception else ""


def _listed(query: IssueQuery) -> list[Issue]:
    return [read.issue for read in list_issues(query, limit=LOOKED_THROUGH, cursor=None).items]
