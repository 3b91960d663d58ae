"""Settings that train on the embedded data set in seconds."""

TINY_SETTINGS = [
    "frontend.mel_bins=32",
    "train.epochs=2",
    "train.warmup_epochs=1",
    "train.batch_size=16",
    "model.width=4",
    "model.depth=2,1,1,1",
    "augment.roll_seconds=0.2",
]
