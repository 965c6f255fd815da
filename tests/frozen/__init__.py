"""Small studies of older forms, as files."""
