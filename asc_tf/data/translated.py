"""Translated clips: features as other devices would have given them, stored like the cache."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from asc_tf.atomic import check_new, exclusive, write_text
from asc_tf.data.cache import feature_settings
from asc_tf.data.names import filename_problem
from asc_tf.data.shards import SHARDS, StoredFeatures, read_shard, row_type, shard_of, write_shard
from asc_tf.data.waveforms import audio_state
from asc_tf.errors import AscError, shown, unreadable

BATCH = 8  # clips translated at once


def translated_folder(root, name):
    """The folder of the translated clips of a name: in ROOT/features, unless the name is an absolute path.

    Raises:
        AscError: the name leads out of that folder.
    """
    if not Path(name).is_absolute() and (problem := filename_problem(name.rstrip("/"))):
        raise AscError(f"translated clips {shown(name)}: {problem}; an absolute path may lead anywhere")
    return Path(root).resolve() / "features" / name


def translated_clips(clips, targets):
    """The frame of the translated clips of a frame: all clips for each target, with the target as the device.

    A translated clip is named TARGET/FILENAME; column source holds the FILENAME of the original clip.
    """
    parts = [
        clips.assign(
            device=target,
            source=clips.filename,
            filename=f"{target}/" + clips.filename,
            clip_id=clips.clip_id + f"-as-{target}",
        )
        for target in targets
    ]
    return pd.concat(parts, ignore_index=True)


def write_translated(folder, root, rows, settings, shape, translate):
    """Translate clips, or continue after an interruption.

    As in the cache, 64 shards hold a row for each translated clip, with a checksum and with the size and modification
    time of the original recording. A shard appears whole; valid shards stay.

    Args:
        folder: of `translated_folder`.
        root: folder of the data set.
        rows: frame of `translated_clips`.
        settings: of `translation_settings`.
        shape: of a clip's features, (frequency, time).
        translate: function from some of the rows to their features [rows, frequency, time].

    Raises:
        AscError: the folder holds other clips or other translations, is being written by another process, or cannot be
            written.
    """
    with exclusive(folder):
        _check_settings(folder, settings)
        state = audio_state(root, rows.source.unique())[0]
        with tqdm(total=len(rows), desc="translation", unit="clip", disable=None, leave=False) as bar:
            for number, group in rows.sort_values("filename").groupby(rows.filename.map(shard_of)):
                shard = folder / f"{number:02d}.npy"
                wanted = {row.filename: state[row.source] for row in group.itertuples()}
                if len(read_shard(shard, shape, wanted.get)[1]) < len(wanted):
                    names = [name.encode() for name in wanted]
                    results = zip(names, wanted.values(), _in_batches(translate, group), strict=True)
                    ready = ((name, *changed, features) for name, changed, features in results)
                    write_shard(shard, ready, len(names), row_type(names, shape))
                bar.update(len(wanted))


def _check_settings(folder, settings):
    """Write settings.json, or check that the folder has these settings."""
    text = json.dumps(settings, indent=2) + "\n"
    path = folder / "settings.json"
    if path.is_file() and path.read_bytes() != text.encode():
        raise AscError(f"{folder}: holds clips of another translator or of other devices; expected another --out")
    if not path.is_file():
        check_new(folder, "translated clips")
    write_text(path, text)


def translation_settings(frontend, cut, source, targets, translator):
    """Everything that determines translated clips, as a dict for JSON; `translator` identifies the translator."""
    return {**feature_settings(frontend, cut), "source": source, "targets": [*targets], "translator": translator}


def read_translated(folder, root, clips, frontend, cut, left_out=()):
    """The translated clips made of a frame's clips.

    Args:
        folder: of `translated_folder`.
        root: folder of the data set.
        clips: frame; only clips of the translator's source device have a translation.
        frontend, cut: of the run that will train on them.
        left_out: devices whose translated clips are skipped.

    Returns:
        (frame of `translated_clips`, its `StoredFeatures`).

    Raises:
        AscError: no folder of translated clips, other features, or missing clips of the source device.
    """
    path = folder / "settings.json"
    try:
        settings = json.loads(path.read_text())
        targets, source = settings.pop("targets"), settings.pop("source")
        del settings["translator"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise unreadable(path, error, "a folder of 'asc-tf translate apply'") from None
    expected = feature_settings(frontend, cut)
    if settings != expected:
        names = [name for name in expected if settings.get(name) != expected[name]]
        raise AscError(f"{folder}: has features of another {' and '.join(names)} than the run; expected the same")
    rows = translated_clips(clips[clips.device == source], targets)
    rows = rows[~rows.device.isin(left_out)].reset_index(drop=True)
    shape = (expected["frontend"]["mel_bins"], frontend.feature_shape(cut.samples)[1])
    state = audio_state(root, rows.source.unique())[0]
    wanted = {row.filename: state.get(row.source) for row in rows.itertuples()}
    files, offsets = {}, {}
    for shard in range(SHARDS):
        files[shard], found, _ = read_shard(folder / f"{shard:02d}.npy", shape, wanted.get)
        offsets |= found
    missing = [name for name in rows.filename if name not in offsets]
    if missing:
        raise AscError(
            f"{folder}: lacks {len(missing)} of {len(rows)} translated clips, such as {missing[0]}; "
            "run the same 'asc-tf translate apply' command again"
        )
    shards = rows.filename.map(shard_of).to_numpy(np.int64)
    places = np.array([offsets[name] for name in rows.filename], np.int64)
    return rows, StoredFeatures(folder, files, shards, places, shape)


def _in_batches(translate, rows):
    for start in range(0, len(rows), BATCH):
        yield from translate(rows.iloc[start : start + BATCH])
