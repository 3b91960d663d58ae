"""librosa, ready for comparisons."""

import librosa
import numpy as np
import pytest


@pytest.fixture(scope="session", autouse=True)
def compiled_librosa():
    """librosa compiles functions when they are first used: 20 s in a new environment, which are no test's own time."""
    noise = np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    librosa.pcen(librosa.feature.melspectrogram(y=noise, sr=16000, n_mels=64))
