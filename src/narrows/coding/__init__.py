"""Entropy coding: integers to bytes and back, and the container that keeps them. Nothing here knows what a model is."""
