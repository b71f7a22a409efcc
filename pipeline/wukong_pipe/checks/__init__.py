"""Checks of what a teacher wrote against its source; none of them costs a call."""
