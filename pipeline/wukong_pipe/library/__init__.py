"""The commands as functions for Python: options are their arguments, records their results; they print nothing."""
