"""Batches: which jobs there are, and running them."""
