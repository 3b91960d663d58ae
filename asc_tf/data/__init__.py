"""Clips and their splits, data sets that are downloaded or made, feature cache, stream and batches."""
