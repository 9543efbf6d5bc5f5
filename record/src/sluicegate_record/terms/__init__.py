"""The terms of a release as the record has them: rules over parties, conditions, durations."""
