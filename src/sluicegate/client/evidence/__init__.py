"""Logs of evaluations, read where they are: what is signed of one is its summary and its digest.

Rules:
- A log belongs to who ran the evaluation. No other machine reads it, and its questions and answers stay on
  this one.
- It may be damaged or made to do harm: whatever is read of it has a bound, and a log that two readers could
  read in two ways is refused.
- The counts are made from the score of each question, not taken from what the tool has added up.
"""
