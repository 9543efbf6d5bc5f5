"""The law: what makes an entry lawful, as one pure function, and which effect an unlawful entry has.

Rules:
- The writer asserts the law before it appends. A gateway with a trust file gives no effect to an entry that
  unlawfully widens access. An auditor replays the log by the law, and says what could not be checked.
- A rule that needs a withheld field is `Unchecked`: neither lawful nor unlawful.
- An entry is judged by the record before it, and by the keys that its reader trusts. `RECORD` believes what
  the log says about silence, notified agencies, and officers who proceed. `SIGNATURES` believes none of that.
- An entry is judged by the rules of its own version. After an entry of a newer version, entries of older
  versions are unlawful. So the writer of the log cannot go back to rules that ask for less.
- These are not law: seats, exposure, screening, eligibility and calendars. The writer decides by them. But a
  due time that is on the record is law. The floor, the upstreams and the keys of customers belong to each
  gateway.
"""

from sluicegate_record.law.judge import RULES, Breach, Unchecked, breach, carried, effect, rules_of, words
from sluicegate_record.law.rule import Support

__all__ = ["RULES", "Breach", "Support", "Unchecked", "breach", "carried", "effect", "rules_of", "words"]
