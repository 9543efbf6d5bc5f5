"""The demonstration: it plays the world around Sluicegate, so that all of it runs on one machine."""
