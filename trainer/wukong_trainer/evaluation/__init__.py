"""Base against tuned on the held-out questions, and what stands beside."""
