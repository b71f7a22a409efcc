"""The stages that ask, and what they share."""
