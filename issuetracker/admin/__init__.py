"""The tracker's pages in the admin site; Django finds this module by its name."""

from django.contrib import admin

from issuetracker.admin.pages import IssueAdmin
from issuetracker.models import Issue

admin.site.register(Issue, IssueAdmin)
admin.site.site_header = "AlphaFusion issue tracker"
admin.site.site_title = "AlphaFusion"
admin.site.index_title = "Overview"
# The site has no page but these.
admin.site.site_url = None
