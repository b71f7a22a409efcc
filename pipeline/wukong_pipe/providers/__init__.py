"""OpenAI's protocol, live and in batches, throttled."""
