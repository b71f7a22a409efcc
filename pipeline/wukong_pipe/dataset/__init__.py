"""From rows to a dataset: dedupe, hold-out, files, formats, hub."""
