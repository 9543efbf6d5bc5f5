"""The demonstration: what stands in for the world around Sluicegate, so that it all runs on one machine."""
