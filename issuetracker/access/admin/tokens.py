"""Service tokens in the admin site: made, shown once, listed, revoked."""

import uuid
from collections.abc import Callable
from functools import update_wrapper
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods

from issuetracker.access.addresses import client_address
from issuetracker.access.admin.showing import badge, moment
from issuetracker.access.admin.token_form import TokenForm
from issuetracker.access.models import ServiceToken
from issuetracker.access.services import known_services, make_service_user
from issuetracker.access.tokens import CHECKED_FOR, create_token, revoke_token

if TYPE_CHECKING:
    _ServiceTokenAdmin = admin.ModelAdmin[ServiceToken]
else:
    _ServiceTokenAdmin = admin.ModelAdmin


class StateFilter(admin.SimpleListFilter):
    """Good ones, or those that are refused."""

    title = "state"
    parameter_name = "state"

    def lookups(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        model_admin: Any,  # noqa: ANN401, ARG002
    ) -> list[tuple[str, str]]:
        """What can be chosen."""
        return [("good", "good"), ("expired", "expired"), ("revoked", "revoked")]

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        queryset: QuerySet[ServiceToken],
    ) -> QuerySet[ServiceToken]:
        """Those of the chosen state."""
        past = Q(expires_at__lte=timezone.now())
        states = {
            "good": ~past & Q(revoked_at=None, user__is_active=True),
            "expired": past & Q(revoked_at=None),
            "revoked": Q(revoked_at__isnull=False),
        }
        return queryset.filter(states.get(self.value() or "", Q()))


class ServiceTokenAdmin(_ServiceTokenAdmin):
    """Tokens are made and revoked, never edited and never deleted: the record stays.

    The list is Django's; the other pages are views of their own.
    """

    actions = None
    list_display = ("token", "state", "service_name", "may_do", "expires", "used")
    ordering = ("-created_at",)
    list_filter = (StateFilter,)
    list_select_related = ("user",)
    search_fields = ("prefix", "user__username", "purpose")
    search_help_text = "The first characters of a token, a service, or words of a purpose."
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    change_list_template = "access/token_list.html"

    def has_delete_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: ServiceToken | None = None,  # noqa: ARG002
    ) -> bool:
        """Nobody: a token is revoked instead."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list of tokens."""
        wide = {"title": "Service tokens", "is_nav_sidebar_enabled": False}
        return super().changelist_view(request, {**wide, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        """The list, the form, a token, and its end."""
        return [
            self._path("", self.changelist_view, "changelist"),
            self._path("add/", require_http_methods(["GET", "POST"])(self.make_view), "add"),
            self._path("<int:pk>/", require_GET(self.token_view), "change"),
            self._path(
                "<int:pk>/revoke/",
                require_http_methods(["GET", "POST"])(self.revoke_view),
                "revoke",
            ),
        ]

    def _path(self, route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
        guarded = update_wrapper(self.admin_site.admin_view(view), view)
        return path(route, guarded, name=f"access_servicetoken_{name}")

    def make_view(self, request: HttpRequest) -> HttpResponse:
        """The form, and what comes of it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "GET":
            return self._form(request, TokenForm(initial={"form_id": uuid.uuid4()}))
        form = TokenForm(request.POST)
        if not form.is_valid():
            return self._form(request, form, status=HTTPStatus.BAD_REQUEST)
        return self._make(request, form)

    @sensitive_variables("secret")
    def _make(self, request: HttpRequest, form: TokenForm) -> HttpResponse:
        """Make the token and show it in this very answer, so that nothing else ever holds it."""
        given = form.cleaned_data
        try:
            token, secret = create_token(
                make_service_user(given["service"]),
                given["purpose"],
                life=form.chosen_life,
                permissions=given["permissions"],
                created_by=request.user.get_username(),
                address=client_address(request),
                form_id=given["form_id"],
            )
        except IntegrityError:
            made = get_object_or_404(ServiceToken, form_id=given["form_id"])
            return self._page(
                request, "made_before", "Made already", made, status=HTTPStatus.CONFLICT
            )
        return self._page(request, "made", "The new token", token, secret=secret)

    def token_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One token."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        token = get_object_or_404(ServiceToken.objects.select_related("user"), pk=pk)
        return self._page(request, "token", f"Token {token.prefix}…", token)

    def revoke_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask before a token is revoked, then revoke it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        token = get_object_or_404(ServiceToken.objects.select_related("user"), pk=pk)
        if request.method == "GET":
            return self._page(request, "revoke", "Revoke this token?", token)
        if revoke_token(token, request.user.get_username(), client_address(request)):
            within = f"within {CHECKED_FOR:.0f} seconds"
            messages.success(request, f"Token {token} is revoked; it is refused {within}.")
        else:
            messages.info(request, f"Token {token} was revoked before.")
        return HttpResponseRedirect(reverse("admin:access_servicetoken_changelist"))

    def _form(
        self, request: HttpRequest, form: TokenForm, *, status: int = HTTPStatus.OK
    ) -> HttpResponse:
        title = "New token"
        return self._page(
            request, "form", title, status=status, form=form, services=known_services()
        )

    def _page(
        self,
        request: HttpRequest,
        template: str,
        title: str,
        token: ServiceToken | None = None,
        *,
        status: int = HTTPStatus.OK,
        **context: Any,  # noqa: ANN401 - whatever the template needs
    ) -> HttpResponse:
        whole = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "is_nav_sidebar_enabled": False,
            "title": title,
            "token": token,
            "refusal": token.refusal() if token else "",
            "checked_for": round(CHECKED_FOR),
            "has_add_permission": self.has_add_permission(request),
            "has_change_permission": self.has_change_permission(request),
            **context,
        }
        return TemplateResponse(request, f"access/token_{template}.html", whole, status=status)

    @admin.display(description="token", ordering="prefix")
    def token(self, token: ServiceToken) -> SafeString:
        """Its first characters."""
        return format_html('<code class="prefix">{}…</code>', token.prefix)

    @admin.display(description="service", ordering="user__username")
    def service_name(self, token: ServiceToken) -> SafeString:
        """Whose it is, and what for."""
        return format_html('{}<span class="about quiet">{}</span>', token.service, token.purpose)

    @admin.display(description="may")
    def may_do(self, token: ServiceToken) -> str:
        """What it may do."""
        return token.may

    @admin.display(description="state")
    def state(self, token: ServiceToken) -> SafeString:
        """Good, or why it is refused."""
        refusal = token.refusal()
        return badge("refused" if refusal else "good", refusal or "good")

    @admin.display(description="expires", ordering="expires_at", empty_value="never")
    def expires(self, token: ServiceToken) -> SafeString | None:
        """When it ends."""
        return moment(token.expires_at) if token.expires_at else None

    @admin.display(description="last used", ordering="last_used_at", empty_value="never")
    def used(self, token: ServiceToken) -> SafeString | None:
        """When it was used last."""
        return moment(token.last_used_at) if token.last_used_at else None
