"""The pages about access in the admin site; Django finds this module by its name."""

from django.contrib import admin
from django.contrib.auth.models import Group, User

from issuetracker.access.admin.audit import AuditEntryAdmin
from issuetracker.access.admin.tokens import ServiceTokenAdmin
from issuetracker.access.admin.users import RoleAdmin, UserAdmin
from issuetracker.access.models import AuditEntry, ServiceToken

admin.site.register(ServiceToken, ServiceTokenAdmin)
admin.site.register(AuditEntry, AuditEntryAdmin)
# Django's own, with the audit log and without the ways up to a superuser.
admin.site.unregister([User, Group])
admin.site.register(User, UserAdmin)
admin.site.register(Group, RoleAdmin)
