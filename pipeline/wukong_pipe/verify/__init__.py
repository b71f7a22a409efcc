"""A second reading of what a teacher wrote: blind answers, a judge of disagreements, and the matching of wordings."""
