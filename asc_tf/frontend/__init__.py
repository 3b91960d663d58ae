"""From audio files to features: decoding, resampling, log-mel and PCEN."""
