"""The language of plans: what people write, with the place of every error, and calendars."""
