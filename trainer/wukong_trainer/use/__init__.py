"""The tuned model at work: ask, chat, serve, export."""
