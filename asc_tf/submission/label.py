"""Labels of submissions, such as Kim_QTI_task1a_1, and the files that carry them."""

import re

from asc_tf.errors import AscError


def label_problem(label, form):
    """What a `Year` refuses in a label; "" if nothing."""
    if re.fullmatch(rf"[A-Za-z0-9-]+_[A-Za-z0-9-]+_{form.task}_[1-4]", label):
        return ""
    return (
        f"{label} is no label of {form.year}; expected the corresponding author's last name, the institute, "
        f"{form.task} and a number from 1 to 4, such as Kim_QTI_{form.task}_1, in letters, digits and hyphens"
    )


def check_label(label, form):
    """Raise an AscError for a label that a `Year` refuses."""
    if problem := label_problem(label, form):
        raise AscError(f"--label: {problem}")


def output_name(label, form, split=None):
    """Name of the output file; `split` is the share of the training clips in percent, in a year that has splits."""
    return f"{label}.output.split_{split}.csv" if form.splits else f"{label}.output.csv"


def meta_name(label):
    """Name of the metadata file."""
    return f"{label}.meta.yaml"
