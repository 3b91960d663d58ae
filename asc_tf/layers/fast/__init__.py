"""Fast ways through a layer's formula on a CPU; the layers hold the plain formulas."""
