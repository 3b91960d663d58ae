"""The device translator: training on paired clips, measuring on held-out pairs, applying to the training part."""

import functools
import hashlib
from pathlib import Path

import numpy as np
import tf_keras as keras

from asc_tf.atomic import exclusive, read_checked
from asc_tf.data.clips import check_audio_files, read_clips
from asc_tf.data.loader import evaluation_batches, mean_and_std, training_batches
from asc_tf.data.translated import translated_clips, translated_folder, translation_settings, write_translated
from asc_tf.data.waveforms import read_clip_seconds
from asc_tf.errors import AscError
from asc_tf.experiment.dataset import Dataset
from asc_tf.experiment.history import write_history
from asc_tf.experiment.run_folder import read_csv, write_checked_csv, write_csv
from asc_tf.experiment.sections import FrontendConfig
from asc_tf.experiment.settings import Config
from asc_tf.experiment.translator_folder import load_generator, read_translator, write_translator
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.features import features_of
from asc_tf.stages.preconditions import check_translator, check_translator_training
from asc_tf.training.fit import resumable_fit, save_model
from asc_tf.training.schedules import ConstantThenLinear
from asc_tf.training.seeding import set_seed
from asc_tf.translator.distance import distance_table, log_mel_distance_db
from asc_tf.translator.pair_features import align_pairs, mean_differences, random_crop, write_pair_features
from asc_tf.translator.pairs import find_pairs, hold_out_pairs, pairs_table
from asc_tf.translator.patch_gan import patch_gan
from asc_tf.translator.picture import write_translation_picture
from asc_tf.translator.pix2pix import Pix2Pix
from asc_tf.translator.unet import translate, unet

STEPS_PER_EPOCH = 250


def train_translator(root, settings, folder, frontend=None, report=print):
    """Train a device translator on the training part's pairs, or continue an interrupted training, and measure it.

    Writes into the folder: translator.json (settings), pairs.csv, pairs.npy (features of the pairs), checkpoints/,
    history.csv, generator.keras, distances.csv and translation.png.

    Args:
        root: folder of the data set. Its test part is not touched.
        settings: a `Translation`.
        folder: made if missing.
        frontend: a `FrontendConfig`; the default if None.
        report: called with lines for the user.

    Returns:
        Frame of `distance_table` on the held-out pairs.

    Raises:
        AscError: see `find_pairs`, `align_pairs`, `resumable_fit`; the folder holds something else, or another process
            is writing it.
    """
    with exclusive(folder):
        return _train_translator(root, settings, Path(folder), frontend or FrontendConfig(), report)


def _train_translator(root, settings, folder, frontend, report):
    check_translator_training(root, settings, folder, frontend)
    pairs, features = _pairs(folder, root, settings, frontend, report)
    if not (folder / "generator.keras").is_file():
        _train(folder, settings, pairs, features, report)
    distances, translated = _measure(folder, settings, pairs, features)
    write_csv(folder / "distances.csv", distances.rename_axis("device").reset_index())
    _draw(folder, settings, frontend, pairs, features, translated)
    return distances


def apply_translator(folder, out="translated", report=print):
    """Translate the source's training clips to all targets, into ROOT/features/OUT: data.translated=OUT reads them.

    Args:
        folder: of `train_translator`.
        out: name below ROOT/features, or an absolute path.
        report: called with lines for the user.

    Returns:
        (number of translated clips, their folder).

    Raises:
        AscError: the translator is not trained, a clip cannot be read, `out` holds something else, or another process
            is writing it.
    """
    folder = Path(folder)
    check_translator(folder)
    root, settings, frontend = read_translator(folder)
    generator = load_generator(folder)
    clips = read_clips(root)
    clips = clips[(clips.split == "train") & (clips.device == settings.source)].reset_index(drop=True)
    check_audio_files(root, clips)
    experiment = _experiment(root, frontend, clips)
    features = features_of(experiment, folder, report)
    number = {name: row for row, name in enumerate(clips.filename)}

    def translate_rows(rows):
        source = features[rows.source.map(number).to_numpy()]
        return translate(generator, source, rows.device.map(settings.targets.index).to_numpy())

    translator = hashlib.sha256((folder / "generator.keras").read_bytes()).hexdigest()
    made = translation_settings(experiment.frontend, experiment.cut, settings.source, settings.targets, translator)
    rows, place = translated_clips(clips, settings.targets), translated_folder(root, out)
    write_translated(place, root, rows, made, features.shape[1:], translate_rows)
    return len(rows), place


def _experiment(root, frontend, clips):
    """An `Experiment` on clips of the training part, used only for its features."""
    everything = read_clips(root)
    seconds = read_clip_seconds(root, everything[everything.split == "train"])
    return Experiment(Config(frontend=frontend), Dataset(str(root), (), (), seconds, 0.0, 1.0), clips)


def _pairs(folder, root, settings, frontend, report):
    """(frame of all pairs, features of the kept ones [kept, 2, frequency, time]), read back or made now."""
    table, file = folder / "pairs.csv", folder / "pairs.npy"
    found = _kept_pairs(table, file, report)
    if found is None:
        clips = read_clips(root)
        clips = clips[clips.split == "train"]
        pairs = find_pairs(clips, settings.source, settings.targets)
        check_audio_files(root, clips[clips.filename.isin({*pairs.source, *pairs.target})])
        experiment = _experiment(root, frontend, clips)
        pairs = align_pairs(root, pairs, experiment.cut, settings.max_lag_seconds, settings.min_correlation)
        kept = pairs[pairs.kept]
        pairs["held_out"] = False
        pairs.loc[kept.index, "held_out"] = hold_out_pairs(kept, settings.held_out, settings.seed)
        write_translator(folder, root, settings, frontend)
        write_pair_features(file, root, kept, experiment.frontend, experiment.cut)
        write_checked_csv(table, pairs)
        found = _kept_pairs(table, file, report)
    report(pairs_table(found[0]).to_string(float_format="{:.2f}".format))
    return found


def _kept_pairs(table, file, report):
    """The result of `_pairs` read back, if both files exist and are whole; else None."""
    if not (table.is_file() and file.is_file()):
        return None
    text = ("scene", "location", "device", "source", "target")
    try:
        pairs = read_csv(table, (*text, "lag_ms", "correlation", "kept", "held_out"), text)
        read_checked(file)
        features = np.load(file, mmap_mode="r", allow_pickle=False)
        if features.ndim != 4 or features.shape[:2] != (int(pairs.kept.sum()), 2):
            raise AscError(f"{file}: holds an array {features.shape}; expected one of {pairs.kept.sum()} pairs")
        return pairs, features
    except (AscError, OSError, ValueError, EOFError) as error:
        report(f"{error}; the pairs are made anew")
        return None


def _train(folder, settings, pairs, features, report):
    kept = pairs[pairs.kept]
    held_out = kept.held_out.to_numpy()
    training, validation = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    targets, devices = _target_indices(kept, settings), len(settings.targets)
    mean, std = mean_and_std(features[:, 0], training)
    response = mean_differences(features, targets, training, devices)
    keras.backend.clear_session()
    set_seed(settings.seed)
    statistics = {"feature_mean": mean, "feature_std": std}
    generator = unet(
        response,
        settings.width,
        settings.depth,
        settings.residual_blocks,
        settings.sub_bands,
        settings.dropout,
        **statistics,
    )
    model = Pix2Pix(generator, patch_gan(response, settings.width, **statistics), settings.reconstruction_weight, std)
    rate = ConstantThenLinear(settings.learning_rate, settings.epochs * STEPS_PER_EPOCH)
    model.compile(keras.optimizers.Adam(rate, beta_1=0.5))
    step = 2**settings.depth
    longest = features.shape[3] // step * step
    if not longest:
        raise AscError(
            f"clips of {features.shape[3]} frames cannot be halved {settings.depth} times; give a lower --depth"
        )
    crop = functools.partial(random_crop, frames=min(settings.frames // step * step, longest))
    report(f"{len(training)} pairs to train on, {len(validation)} held out; {generator.count_params():,} parameters")
    history = resumable_fit(
        model,
        lambda start_step: training_batches(
            features, targets, devices, settings.batch_size, settings.seed, crop, start_step, training
        ).map(_as_example),
        STEPS_PER_EPOCH,
        settings.epochs,
        folder / "checkpoints",
        evaluation_batches(features, targets, devices, settings.batch_size, validation).map(
            lambda pair, target: _as_example(pair[:, :, :, :longest], target)
        ),
        report=report,
    )
    write_history(folder / "history.csv", history)
    save_model(generator, folder / "generator.keras")


def _as_example(pair, targets):
    return (pair[:, 0], targets), pair[:, 1]


def _target_indices(pairs, settings):
    return pairs.device.map(settings.targets.index).to_numpy(np.int32)


def _measure(folder, settings, pairs, features):
    """(`distance_table` on the held-out pairs, {row of features: its translation})."""
    generator, kept = load_generator(folder), pairs[pairs.kept]
    targets, held_out = _target_indices(kept, settings), kept.held_out.to_numpy()
    response = mean_differences(features, targets, np.flatnonzero(~held_out), len(settings.targets))
    distances, translated = {"untranslated": [], "filtered": [], "translated": []}, {}
    for row in np.flatnonzero(held_out):
        source, target = features[row].astype(np.float32)
        translated[row] = translate(generator, source[np.newaxis], targets[[row]])[0]
        guesses = source, source + response[targets[row], :, np.newaxis], translated[row]
        for found, guess in zip(distances.values(), guesses, strict=True):
            found.append(log_mel_distance_db(guess[np.newaxis], target[np.newaxis])[0])
    return distance_table(kept.device[held_out], distances), translated


def _draw(folder, settings, frontend, pairs, features, translated):
    """translation.png: the first held-out pair of each target."""
    kept = pairs[pairs.kept].reset_index(drop=True)
    examples = {}
    for device in settings.targets:
        row = next(row for row in translated if kept.device[row] == device)
        source, target = features[row].astype(np.float32)
        examples[device] = kept.scene[row], np.stack([source, translated[row], target])
    write_translation_picture(folder / "translation.png", settings.source, examples, frontend.hop_ms)
