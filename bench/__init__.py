"""Measurements: what a reminder costs and how late it is. Nothing here ships."""
