"""What is known of Chinese and English: numbers, sentences, words."""
