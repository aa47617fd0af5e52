"""An app for the product's own processes, which breaks them where no signal reaches.

Fault runs install it with ``DJANGO_EXTRA_APPS``. It can do two things:

* break a process at an exact place, or shift its clock, while a file in ``FAULTS_FOLDER`` says so;
* leave out one of the mechanisms that keep reports (``FAULTS_WITHOUT``), which shows that the
  audit sees what that mechanism prevents.
"""
