"""Review: what a person decided about the findings."""
