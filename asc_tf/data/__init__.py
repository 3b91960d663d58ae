"""Clips and their splits, downloaded and generated data sets, feature cache, stream and batches."""
