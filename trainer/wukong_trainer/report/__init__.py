"""What an evaluation proved, for people: report.html, and the table of scores on the terminal."""
