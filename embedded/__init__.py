"""Runs the whole flow on one machine: ``python -m embedded``, which is what ``make run`` calls.

Each part whose address the environment does not name is started here, from Python packages
alone. Nothing else in the project knows these parts; to all others they are just an address.

- ``plan``: which parts are embedded, which are real, and what decided it.
- ``launcher``: the order in which things start and end, and what is printed.
- ``supervisor`` and ``child``: fresh processes that end together.
- ``broker``, ``redis_server``: the embedded parts themselves.
- ``first_start``: tables, the admin's login, the service token.
"""
