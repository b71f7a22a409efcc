"""From Markdown files to sections, and what a section says."""
