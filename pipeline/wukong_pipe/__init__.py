"""From Markdown to question-answer datasets: split, ask, paraphrase, check, dedupe, hold out, write."""

__version__ = "0.1.0"
