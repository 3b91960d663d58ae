"""What probabilities mean to those who read them: a scene, an uncertain answer, or that there was nothing to hear."""

SILENCE, UNCERTAIN = "silence", "uncertain"


def scene_of(labels, probabilities, uncertain_below=None):
    """The most likely scene.

    Args:
        labels: of the scenes.
        probabilities: [classes]; all 0 where there was nothing to hear, see `Classifier.classify`.
        uncertain_below: the probability that an answer must reach; None asks for none.

    Returns:
        (scene, SILENCE or UNCERTAIN; the probability of the most likely scene, 0 of silence).
    """
    confidence, scene = max(zip(map(float, probabilities), labels, strict=True), key=lambda pair: pair[0])
    if confidence == 0:
        return SILENCE, 0.0
    return (UNCERTAIN if confidence < (uncertain_below or 0) else scene), confidence
