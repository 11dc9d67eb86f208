"""Model + image tensor → class activation maps → heatmaps in [0, 1]."""
