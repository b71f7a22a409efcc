"""What a user decides about rows: edits.jsonl, read, written and applied in every build."""
