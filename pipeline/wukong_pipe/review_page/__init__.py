"""The page of `review`: routes, what they show of pairs and of answers, templates and texts, and who may ask."""
