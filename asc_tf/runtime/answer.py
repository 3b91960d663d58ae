"""From probabilities to an answer for readers: a scene, an uncertain answer, or silence."""

SILENCE, UNCERTAIN = "silence", "uncertain"


def scene_of(labels, probabilities, uncertain_below=None):
    """The most likely scene.

    Args:
        labels: of the scenes.
        probabilities: [classes]; all 0 for silence, see `Classifier.classify`.
        uncertain_below: probability that an answer must reach; None requires none.

    Returns:
        (scene, SILENCE or UNCERTAIN; the probability of the most likely scene, 0 for silence).
    """
    confidence, scene = max(zip(map(float, probabilities), labels, strict=True), key=lambda pair: pair[0])
    if confidence == 0:
        return SILENCE, 0.0
    return (UNCERTAIN if confidence < (uncertain_below or 0) else scene), confidence
