"""What is known of Chinese and English: numbers, sentences, names, words. Word lists are TOML files."""
