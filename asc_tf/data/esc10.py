"""ESC-10, ten kinds of sounds in 400 clips of 5 s: from the archive of ESC-50 to the TAU layout.

K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", ACM Multimedia 2015. ESC-10 is published under
CC BY, ESC-50 as a whole under CC BY-NC; the clips come from freesound.org.
"""

import shutil

import pandas as pd

from asc_tf.atomic import exclusive, whole_file
from asc_tf.data.tau_writer import write_tables
from asc_tf.errors import AscError, unreadable

DEVICE = "a"
TEST_FOLD = 5
SCENES = {
    "chainsaw": "chainsaw",
    "clock_tick": "clock_tick",
    "crackling_fire": "fire_crackling",
    "crying_baby": "baby_cry",
    "dog": "dog_bark",
    "helicopter": "helicopter",
    "rain": "rain",
    "rooster": "rooster",
    "sea_waves": "sea_waves",
    "sneezing": "person_sneeze",
}
"""ESC-50's categories and their names in ESC-10."""


def copy_clips(archive, root):
    """Copy ESC-10's clips unchanged out of an unpacked ESC-50 to ROOT/audio/SCENE-FOLD-SOURCE-TAKE-a.wav.

    Args:
        archive: folder that holds ESC-50's meta/esc50.csv and audio/.
        root: folder of the data set to make; existing files stay.

    Raises:
        AscError: `archive` is no ESC-50.
    """
    path = archive / "meta" / "esc50.csv"
    try:
        table = pd.read_csv(path, dtype=str)
        table = table[table.esc10 == "True"]
        names = list(zip(table.filename, table.category.map(SCENES), strict=True))
    except (OSError, ValueError, AttributeError) as error:
        raise unreadable(path, error, "the table of ESC-50") from error
    for filename, scene in names:
        fold, source, take = filename.split("-")[:3]
        target = root / "audio" / f"{scene}-{fold}-{source}-{take}-{DEVICE}.wav"
        if not target.is_file():
            with whole_file(target) as part:
                shutil.copyfile(archive / "audio" / filename, part)


def write_split(root, test_fold=TEST_FOLD):
    """Write the tables of ESC-10: one of its folds, 1 to 5, is the test part.

    A location is a recording on freesound.org, FOLD-SOURCE; all clips cut from it are in one fold.

    Returns:
        (number of training clips, number of test clips).

    Raises:
        AscError: no such fold, no clip of ESC-10 below `root`, or another process is writing there.
    """
    rows = []
    for path in sorted((root / "audio").glob(f"*-*-*-*-{DEVICE}.wav")):
        scene, fold, source, _, _ = path.stem.split("-")
        part = "test" if fold == str(test_fold) else "train"
        rows.append((f"audio/{path.name}", scene, f"{fold}-{source}", DEVICE, part))
    if not rows:
        raise AscError(f"{root}: holds no clip of ESC-10 in audio/")
    if test_fold not in range(1, 6):
        raise AscError(f"--test-fold {test_fold}: expected 1 to 5")
    with exclusive(root):
        return write_tables(root, rows)
