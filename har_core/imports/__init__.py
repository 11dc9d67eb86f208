"""Predictions that come from elsewhere: a table or arrays → a run folder.  No torch."""
