"""One fine-tuning, resumable."""
