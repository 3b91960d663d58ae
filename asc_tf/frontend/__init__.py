"""From waveforms to features: mel power, log-mel and PCEN."""
