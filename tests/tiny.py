"""Settings that train on the embedded data set in seconds."""

_TRAINING = [
    "frontend.mel_bins=32",
    "train.epochs=2",
    "train.warmup_epochs=1",
    "train.batch_size=16",
    "augment.roll_seconds=0.2",
]
TINY_SETTINGS = [*_TRAINING, "model.width=4", "model.depth=1,1,1,1"]
"""Of BC-ResNet-ASC, with one block a stage."""
SMALLEST_SETTINGS = [*_TRAINING, "model.network=cp-mobile", "model.width=8", "model.depth=1"]
"""Of a CP-Mobile with one block, a third as many layers: for what is the same with any network."""
