"""Writing a data set in the TAU layout: the claim on its folder, clips, tables."""

import numpy as np
import soundfile

from asc_tf.atomic import check_new, whole_file, write_text
from asc_tf.errors import AscError

_META = ("filename", "scene_label", "identifier", "source_label")


def write_tables(root, rows):
    """Write ROOT/evaluation_setup/fold1_{train,evaluate,test}.csv, then ROOT/meta.csv, which completes the set.

    Args:
        root: folder of the data set.
        rows: (filename relative to root, scene, location, device, "train" or "test"), in the order of meta.csv.

    Returns:
        (number of training clips, number of test clips).
    """
    train, test = ([row[:2] for row in rows if row[4] == part] for part in ("train", "test"))
    tables = {
        "evaluation_setup/fold1_train.csv": [_META[:2], *train],
        "evaluation_setup/fold1_evaluate.csv": [_META[:2], *test],
        "evaluation_setup/fold1_test.csv": [_META[:1], *(row[:1] for row in test)],
        "meta.csv": [_META, *(row[:4] for row in rows)],
    }
    for name, table in tables.items():
        write_text(root / name, "".join("\t".join(row) + "\n" for row in table))
    return len(train), len(test)


def claim_folder(path, text, command, of):
    """Write the description of a folder's content into it, or check that it is the same: only a killed job continues.

    Call it where the folder is `exclusive`.

    Args:
        path: of the description's file, in that folder.
        text: content of that file.
        command: the subcommand of asc-tf that writes such folders, for the error.
        of: word for the difference, for the error.

    Raises:
        AscError: the folder holds something else.
    """
    out = path.parent
    if path.is_file():
        if path.read_bytes() != text.encode():
            raise AscError(f"{path}: is {of}; expected another --out")
    else:
        check_new(out, f"data set of 'asc-tf {command}'")
        write_text(path, text)


def write_clip(path, waveform, sample_rate_hz):
    """Write a waveform [samples] as 24-bit mono WAV, whole or not at all; samples beyond +-1 are clipped."""
    with whole_file(path) as part:
        soundfile.write(part, np.clip(waveform, -1, 1 - 2**-23), sample_rate_hz, subtype="PCM_24")
