"""A run folder on disk → manifest, history, predictions, arrays and verdicts, and back.  No torch."""
