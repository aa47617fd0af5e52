"""What a caller may do: asked by the API before it does it."""

from http import HTTPStatus

from rest_framework.exceptions import APIException

from issuetracker.access.authentication import CHALLENGE
from issuetracker.access.permissions import Permission
from issuetracker.access.principals import Caller, Service


class MissingPermission(APIException):
    """The caller is known and may not do this; says what is missing.

    Attributes:
        auth_header: for a token, what is missing as RFC 6750 has programs read it.
    """

    status_code = HTTPStatus.FORBIDDEN

    def __init__(self, caller: Caller, permission: Permission) -> None:
        super().__init__(caller.refusal(permission))
        self.auth_header = ""
        if isinstance(caller, Service):
            self.auth_header = f'{CHALLENGE}, error="insufficient_scope", scope="{permission}"'


def require(caller: Caller, permission: Permission) -> None:
    """Go on only for somebody who may.

    Raises:
        MissingPermission: the caller may not.
    """
    if not caller.may(permission):
        raise MissingPermission(caller, permission)
