"""What each year's organizers ask for, and where that was read. All was read on 2026-11-28, from stored copies.

The task pages' own examples of a metadata file were not in these copies (only the pages' beginnings). Read instead:

- 2021: the file of valeo.ai's public submission (valeoai/SP4ASC: organizers' comments, fields, 7,920 clips), and the
  organizers' validator of 2020 (toni-heittola/dcase2020_task1_submission_validator) for how fields are checked.
- 2022: the organizers' validator (toni-heittola/dcase2022_task1_submission_validator, newest version): fields of the
  metadata, 118,800 clips. It does not say what `memory_use` counts, so its authors fill that in.
- 2024: the organizers' validator (toni-heittola/dcase2024_task1_submission_validator, its newest version).
- 2025: README, evaluate_submission.py and complexity.py of the inference package's repository (CPJKU), and a
  participant's metadata file that keeps the organizers' comments (wa976/dcase2025_task1_inference).
"""

from dataclasses import dataclass

from asc_tf.complexity.rules import BYTES_2021, BYTES_2024, KB, MACS_PER_SECOND, PARAMETERS_2022

DEVICES = ("a", "b", "c", "s1", "s2", "s3", "s4", "s5", "s6")  # of the development set
_USUAL = ("input_sampling_rate", "acoustic_features", "data_augmentation", "machine_learning_method",
          "external_data_usage", "complexity_management")  # fmt: skip
_OF_ENSEMBLES = ("embeddings", "ensemble_method_subsystem_count", "decision_making")
_SYSTEM = ("description", "complexity", "external_datasets", "source_code")


@dataclass(frozen=True)
class Year:
    """One year's form.

    Args:
        year: of the challenge.
        task: third part of a label.
        description: required fields of system.description.
        complexity: required fields of system.complexity, with the largest value that is allowed, or None.
        system: required fields of system.
        results: names of the blocks of results; "" is the only block, without a name.
        splits: shares of the training clips in percent; each has an output file and a block of results of its own.
        clips: number of clips of the evaluation set, named 0.wav and so on; None where it was not found.
        seconds: length of a clip.
        format: of the file whose complexity is stated, for `asc-tf export`, unless another one is asked for.
        tells_devices: whether the evaluation set names each clip's device, and a network for each device is allowed.
    """

    year: int
    task: str
    description: tuple
    complexity: dict
    system: tuple = _SYSTEM
    results: tuple = ("",)
    splits: tuple = ()
    clips: int | None = None
    seconds: float = 1.0
    format: str = "float16"
    tells_devices: bool = False


_SIZE_AND_MACS = {"total_model_size": BYTES_2024, "total_parameters": None, "macs": MACS_PER_SECOND}
_SPLITS = (5, 10, 25, 50, 100)
YEARS = {
    each.year: each
    for each in (
        Year(2021, "task1a", (*_USUAL, *_OF_ENSEMBLES),
             {"total_parameters": None, "total_parameters_non_zero": None, "model_size": BYTES_2021 / KB},
             clips=7920, seconds=10.0),
        Year(2022, "task1", (*_USUAL, *_OF_ENSEMBLES, "pipeline", "framework"),
             {"total_parameters": PARAMETERS_2022, "total_parameters_non_zero": None, "memory_use": None,
              "macs": MACS_PER_SECOND}, clips=118_800, format="int8"),
        Year(2024, "task1", (*_USUAL, "pipeline", "framework", "split_adaptations", "system_adaptations"),
             _SIZE_AND_MACS, results=tuple(f"split_{share}" for share in _SPLITS), splits=_SPLITS, clips=135_730),
        Year(2025, "task1", (*_USUAL, "pipeline", "framework", "device_information", "num_models_at_inference",
                             "model_weight_sharing"),
             _SIZE_AND_MACS, system=("inference_code", *_SYSTEM), results=("device_specific", "general"),
             tells_devices=True),
    )
}  # fmt: skip
