"""Evaluation: counts that add, rates last."""
