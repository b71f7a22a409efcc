"""Answers, by transformers or vLLM, kept as they come."""
