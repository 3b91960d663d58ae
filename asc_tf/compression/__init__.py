"""Ways to make a network cost less: pruning, quantization-aware training, half precision."""
