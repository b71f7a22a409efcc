"""Every call to a teacher, kept."""
