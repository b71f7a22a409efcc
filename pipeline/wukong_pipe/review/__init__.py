"""What a person decides about what a build made: pairs and rejects, decisions, what to read next, how sure one is."""
