"""The tracker's pages in the admin site; Django finds this module by its name."""

from django.contrib import admin

from issuetracker.admin.pages import IssueAdmin
from issuetracker.admin.rules import RuleAdmin
from issuetracker.models import Issue, Rule

admin.site.register(Issue, IssueAdmin)
admin.site.register(Rule, RuleAdmin)
admin.site.site_header = "AlphaFusion issue tracker"
admin.site.site_title = "AlphaFusion"
admin.site.index_title = "All pages"
# The site has no page but these.
admin.site.site_url = None
