"""The best BC-ResNet-ASC of at most 24,000 parameters: KerasTuner's Hyperband over width and lambda.

    python pipelines/search_under_a_budget.py ROOT OUT [EPOCHS]

The score is the accuracy on held-out training locations; the test part is read once, for the winner. `asc-tf search`
does the same and more: budgets in bytes, MACs and milliseconds, leaving devices out, several machines.
"""

import bisect
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tf_keras as keras

import asc_tf

BATCH_SIZE, MOST_PARAMETERS = 32, 24_000


def main(root, out, epochs=27):
    asc_tf.set_seed(0)
    clips = asc_tf.read_clips(root)
    train, test = (clips[clips.split == part].reset_index(drop=True) for part in ("train", "test"))
    held_out = asc_tf.hold_out_locations(train, 0.2)
    scenes, frontend, seconds = asc_tf.scenes_of(train), asc_tf.LogMel(), asc_tf.read_clip_seconds(root, train)
    parts = {"train": train[~held_out], "validation": train[held_out], "test": test}
    features = {
        name: (asc_tf.cached_features(root, part, frontend, seconds), asc_tf.label_indices(part, scenes))
        for name, part in parts.items()
    }
    steps = -(-len(parts["train"]) // BATCH_SIZE)
    mean, std = asc_tf.mean_and_std(features["train"][0])

    # The budget first: no network over it is ever trained.
    shape = frontend.feature_shape(round(seconds * frontend.sample_rate_hz))

    def parameters(width):
        return asc_tf.bc_resnet_asc(shape, len(scenes), width=width).count_params()

    widths = range(4, 41, 2)
    widest = widths[bisect.bisect(widths, MOST_PARAMETERS, key=parameters) - 1]
    space = f"lambda,width=4:{widest}"
    hypermodel = asc_tf.HyperBCResNetASC(shape, len(scenes), space, feature_mean=mean, feature_std=std)
    tuner = asc_tf.Hyperband(
        hypermodel, objective="val_accuracy", max_epochs=epochs, directory=out, project_name="tuner"
    )

    def augmented(batch, labels, seed):
        return asc_tf.augment_batch(batch, labels, seed, roll_frames=50, mixup_alpha=0.3)

    batches = asc_tf.training_batches(*features["train"], len(scenes), BATCH_SIZE, augment=augmented)
    validation = asc_tf.evaluation_batches(*features["validation"], len(scenes))
    tuner.search(batches, steps_per_epoch=steps, validation_data=validation, verbose=0)
    best = tuner.get_best_hyperparameters()[0]
    print(f"the best of {len(tuner.oracle.trials)} trainings: {best.values}")

    # The winner, trained in full, on the test part.
    model = hypermodel.build(best)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(asc_tf.SGDWithL2(asc_tf.warmup_cosine(0.06, steps, epochs, 0)), loss, metrics=["accuracy"])
    model.fit(batches, steps_per_epoch=steps, epochs=epochs, verbose=0)
    logits = model.predict(asc_tf.evaluation_batches(*features["test"], len(scenes)), verbose=0)
    print(asc_tf.device_metrics(asc_tf.predictions_frame(test, logits, scenes), asc_tf.devices_of(train)).round(3))
    asc_tf.export_tflite(Path(out) / "model.tflite", frontend, model, scenes, seconds)
    print(f"wrote {Path(out) / 'model.tflite'}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    try:
        main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
    except asc_tf.AscError as error:
        sys.exit(f"search_under_a_budget: {error}")
