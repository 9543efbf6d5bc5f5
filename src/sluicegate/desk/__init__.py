"""An agency's desk: its own pages, on its own origin, over its own reading of each developer's log."""
