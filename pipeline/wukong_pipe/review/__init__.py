"""A person reads what a build made: pairs beside their source, decisions, what to read next, how sure one may be."""
