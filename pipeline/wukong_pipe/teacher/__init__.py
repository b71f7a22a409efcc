"""Asking whatever teacher: attempts, budget, prompts, replies."""
