"""The law: what makes an entry lawful, as one pure function, and what becomes of one that is not.

Rules:
- The writer asserts it before it appends; a gateway with a trust file gives no effect to what widens
  unlawfully; an auditor replays by it, and says what could not be checked.
- A rule that meets a field that was withheld is `Unchecked`: never lawful, never unlawful.
- An entry is judged by the record before it, and by the keys that its reader trusts. `RECORD` believes what
  the log says of silence, of notified agencies and of officers who proceed; `SIGNATURES` believes none of it.
- An entry is judged by the rules of its own version. Once a newer one is in the log, older ones are unlawful:
  whoever writes the log cannot go back to rules that ask less.
- Not law: seats, screening, eligibility and calendars, which the writer decides by; a due time that is on the
  record is law. The floor, the upstreams and the keys of customers are a gateway's own.
"""

from sluicegate_record.law.judge import RULES, Breach, Unchecked, breach, effect, rules_of, words
from sluicegate_record.law.rule import Support

__all__ = ["RULES", "Breach", "Support", "Unchecked", "breach", "effect", "rules_of", "words"]
