"""Scores of one answer, and the intervals around their means."""
