"""What is typed into the search box: terms such as ``status:open``, and free text around them.

Terms become the parameters that the filters' links set, so that each list has one address, which
says the same to whoever it is sent to.
"""

from django.http import QueryDict

from issuetracker.terms import ME, SEVERAL, read_terms


def typed_address(given: QueryDict, username: str) -> str | None:
    """The parameters that say what the search box says; None when it holds free text alone.

    Args:
        given: the parameters of the list's address, with the search box as ``q``.
        username: who typed it, for ``is:mine``.
    """
    terms, text = read_terms(given.get("q", ""))
    if not terms:
        return None
    params = given.copy()
    params.pop("cursor", None)
    params["q"] = text
    if not text:
        del params["q"]
    for name, value in terms:
        _set(params, name, username if (name, value) == ("assignee", ME) else value)
    return params.urlencode()


def _set(params: QueryDict, name: str, value: str) -> None:
    if name not in SEVERAL:
        params[name] = value
    elif value not in params.getlist(name):
        params.appendlist(name, value)
