"""Accuracy and log loss by device and scene, and their tables."""
