"""Whether a submission can be made of a run; needs no TensorFlow."""

from pathlib import Path

from asc_tf.data.names import filename_problem
from asc_tf.data.tables import read_table
from asc_tf.data.tau import SCENES
from asc_tf.errors import AscError, shown
from asc_tf.experiment.run_folder import check_finished, read_run
from asc_tf.stages.preconditions import check_has_data
from asc_tf.submission.label import check_label
from asc_tf.submission.years import YEARS


def check_submission(run, year, evaluation, label, format=None):
    """For `submit`: a trained run of TAU's scenes, a label, an evaluation set. Returns the share of the training clips.

    The share is that of a year with results by shares, in percent, from data.split=split25 and so on; else None.
    """
    form = YEARS[year]
    check_label(label, form)
    check_finished(run)
    if (format or form.format) == "int8":
        check_has_data(run)  # whose clips set the scales
    config, dataset = read_run(run)
    if {*dataset.scenes} != {*SCENES}:
        raise AscError(f"{run}: has scenes {', '.join(dataset.scenes)}; expected TAU's: {', '.join(SCENES)}")
    if dataset.clip_seconds != form.seconds:
        raise AscError(
            f"{run}: is a network for clips of {dataset.clip_seconds:g} s; expected {form.seconds:g} s for {year}"
        )
    table = Path(evaluation) / "evaluation_setup" / "fold1_test.csv"
    for name in read_table(table, ("filename",)).columns["filename"]:
        if problem := filename_problem(name):
            raise AscError(f"{table}: the name {shown(name)} {problem}")
    if not form.splits:
        return None
    shares = {f"split{share}": share for share in form.splits}
    if (name := Path(config.data.split).stem) not in shares:
        raise AscError(
            f"{run}: was trained with data.split={config.data.split}; expected one of {', '.join(shares)}, which have "
            f"output files of their own in {year}"
        )
    return shares[name]
