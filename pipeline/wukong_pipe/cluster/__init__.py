"""A build on several machines: workers do its jobs, and one process owns its journal, its ledger and its limits."""
