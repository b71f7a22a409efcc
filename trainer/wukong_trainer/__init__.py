"""Training a student on a dataset, comparing it with its base, and the report of both."""
