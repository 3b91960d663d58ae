"""Fast CPU versions of layers' formulas; the layers hold the plain formulas."""
