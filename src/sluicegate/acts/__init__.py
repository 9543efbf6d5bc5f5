"""What can be asked of a control plane, and what it answers: one row for each act.

Rules:
- A row says everything that is outside: name, roles, route, what is asked, what is answered, a help line. The
  routes, the table of permissions, the digest of a repeated command, the command line's help, OpenAPI and the
  reference pages follow from it.
- What is asked and what is answered are forms: the control plane writes an answer, a client reads it, and
  mypy checks both.
- Nothing here decides or fetches anything. A command of the command line imports the rows that it needs.
"""
