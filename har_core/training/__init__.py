"""Labeled photos and a configuration → a complete run folder, resumable at any batch."""
