"""The vocabulary: what parts are, and what they say to each other. Imports torch alone."""
