"""What runs have found, for people to look at: a page, its tables, its figures."""
