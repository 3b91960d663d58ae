"""Trained networks as .tflite and ONNX files, and their agreement with Keras."""
