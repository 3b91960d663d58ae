"""What probabilities mean to those who read them: a scene, or that there was nothing to hear."""

SILENCE = "silence"


def scene_of(labels, probabilities):
    """The most likely scene.

    Args:
        labels: of the scenes.
        probabilities: [classes]; all 0 where there was nothing to hear, see `Classifier.classify`.

    Returns:
        (scene or SILENCE, its probability, 0 of silence).
    """
    confidence, scene = max(zip(map(float, probabilities), labels, strict=True), key=lambda pair: pair[0])
    return (scene, confidence) if confidence > 0 else (SILENCE, 0.0)
