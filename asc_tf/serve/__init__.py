"""A local page to try a model on: a file or the microphone in, spectrogram, scenes over time and evidence out."""
