"""The terms of a release as the record states them: rules over parties, conditions, durations."""
