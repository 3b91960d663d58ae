"""C source for microcontrollers: network, frontend, stream, and what they take."""
