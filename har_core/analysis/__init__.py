"""Confusion matrix, predictions or history → scores, confusions, comparisons, selections.  Pure functions, no torch."""
