"""Submissions to task 1 of the DCASE challenge: files of a run in each year's form, and what would be refused."""
