"""What is typed: commands, options and help."""
