"""What a network costs: parameters, bytes and MACs of a Keras model or a .tflite file, by every year's rules."""
