"""What is read of a text that someone else wrote: one table of bounds.

Rules:
- A text is refused as soon as it is found to be beyond a bound, before more of it is read.
- What is small is read where it came in: it takes a few milliseconds at the worst. All else is read by a
  process that is made for it and may be ended (`sluicegate.parsing`).
- docs/reference/limits.md has the same table; docs/security.md the worst that was measured.
"""

from __future__ import annotations

ACT_BODY_MAX = 1 << 20
"""How many bytes the body of an act may have, if it has no long lists."""
FORM_BODY_MAX = 1 << 22
"""How many bytes a form with long lists may have: what is typed takes up to three times as many there."""
SIGN_IN_BODY_MAX = 1 << 16
"""How many bytes a form may have that signs someone in."""
MEMBERS_BODY_MAX = 1 << 21
"""How many bytes a body with 2,000 members may have."""
ANNEXES_MAX = 1 << 24
"""How many bytes a body with lists of 100,000 names may have."""
ELEMENTS_MAX = 500_000
"""How many values and keys the JSON of a body may have."""
QUERY_FIELDS_MAX = 64
"""How many arguments a query may have."""
ORGANIZATION_CHARACTERS_MAX = 65_536
"""How many characters an organization file may have."""
DOCUMENT_BYTES_MAX = 262_144
"""How many bytes any other document may have: a plan, a directive, a trust file."""
LISTED_MAX = 500
"""How many organizations a list of a plan may have: the entry of the plan has a commitment to each."""
DEPTH_MAX = 32
"""How many lists and mappings of a document may be inside each other."""
NODES_MAX = 10_000
"""How many values and keys a document may have."""
FAULTS_MAX = 100
"""How many errors of a document are listed; all are counted."""
DIGITS_MAX = 100
"""How many digits a number in a document may have before it is read as a number."""
SEARCH_MAX = 500
"""How many characters of a legal name may be searched for."""
MARKS_MAX = 30
"""How many combining marks may follow each other in a name. Source: UAX #15, Stream-Safe Text Format."""
PAYLOAD_DIGITS_MAX = 65_536
"""How many base64 digits the payload of a signed statement may have; an entry, which has it, is shorter."""
JWKS_MAX = 256
"""How many keys of any kind a key set may have."""

IN_PLACE_MAX = 16 * 1024
"""Up to how many bytes JSON is read where it came in."""
CPU_S = 2
"""How many seconds a process may compute to read one text."""
MEMORY_MAX = 512 * 1024 * 1024
"""How many bytes of memory it may have."""
WAIT_S = 60.0
"""How many seconds one reading may take, with the wait for its turn."""
RUNNING_MAX = 2
"""How many texts are read at the same time, and one more of staff or of an agency."""
RUNNING_OF_PARTY_MAX = 1
"""How many of them of one party."""
WAITING_MAX = 64
"""How many texts may wait to be read."""
WAITING_OF_PARTY_MAX = 4
"""How many of them of one party."""
