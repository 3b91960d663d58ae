"""Acoustic scene classification, small enough for a device and robust to microphones it never heard.

The names below are the library: `asc_tf.read_clips`, `asc_tf.bc_resnet_asc` and so on. Each is imported when it is
first used, so that `import asc_tf` loads no TensorFlow.
"""

import importlib

__version__ = "0.1.0.dev0"

_HOMES = {
    "AdamWOnKernels": "training.optimizers",
    "AdaptiveResidualNormalization": "layers",
    "AnchoredModel": "training.fine_tuning",
    "AscError": "errors",
    "Augmentation": "augment.augmentation",
    "BayesianOptimization": "search.tf_keras_tuner",
    "Classifier": "runtime.classifier",
    "Config": "experiment.settings",
    "DeviceRandomDrop": "training.device_drop",
    "DistilledModel": "training.distillation",
    "DropRateLog": "training.device_drop",
    "EpochCheckpoints": "training.checkpoints",
    "FrequencyInstanceNormalization": "layers",
    "GlobalFrequencyNormalization": "layers",
    "GlobalResponseNormalization": "layers",
    "HyperBCRes2Net": "search.hypermodel",
    "HyperBCResNetASC": "search.hypermodel",
    "Hyperband": "search.tf_keras_tuner",
    "Layout": "data.layouts",
    "LogMeanProbability": "layers",
    "LogMel": "frontend.log_mel",
    "KaldiLogMel": "frontend.kaldi_log_mel",
    "MelSpectrogram": "frontend.mel_spectrogram",
    "MinVarianceCheckpoint": "training.selection",
    "Pcen": "frontend.pcen",
    "Pix2Pix": "translator.pix2pix",
    "RandomSearch": "search.tf_keras_tuner",
    "RelaxedInstanceFrequencyNormalization": "layers",
    "ResidualNormalization": "layers",
    "SGDWithL2": "training.optimizers",
    "StreamedFeatures": "data.stream",
    "StridedDepthwiseConv2D": "layers",
    "SubSpectralNormalization": "layers",
    "account_text": "complexity.account_report",
    "align_pairs": "translator.pair_features",
    "audio_seconds": "audio.waveform",
    "augment_batch": "augment",
    "bc_res2net": "models",
    "bc_resnet": "models",
    "bc_resnet_asc": "models",
    "cached_features": "data.cache",
    "confusion_matrix": "evaluation.metrics",
    "cp_mobile": "models",
    "cp_mobile_2023": "models",
    "cp_resnet": "models",
    "device_impulse_response": "augment",
    "device_metrics": "evaluation.metrics",
    "devices_of": "data.clips",
    "ensemble": "models",
    "evaluation_batches": "data.loader",
    "evaluation_steps": "data.loader",
    "export_onnx": "export.onnx",
    "export_tflite": "export.tflite",
    "find_pairs": "translator.pairs",
    "find_recipe": "experiment.recipes",
    "find_recordings": "data.recordings",
    "freeze_all_but_classifier": "training.fine_tuning",
    "hold_out_locations": "data.clips",
    "keras_account": "complexity.keras_account",
    "label_indices": "data.loader",
    "load_impulse_responses": "augment",
    "load_waveform": "audio.waveform",
    "make_strategy": "distributed.replicas",
    "mean_and_std": "data.loader",
    "patch_gan": "translator.patch_gan",
    "plan_clips": "data.own_recordings",
    "plan_table": "data.own_recordings",
    "predictions_frame": "evaluation.metrics",
    "prune": "compression.pruning",
    "prune_gradually": "compression.pruning",
    "quantize": "compression.quantization",
    "read_clip_seconds": "data.waveforms",
    "read_clips": "data.clips",
    "register": "extensions",
    "renew_classifier": "training.fine_tuning",
    "resumable_fit": "training.fit",
    "round_to_half": "compression.half_precision",
    "scenes_of": "data.clips",
    "set_seed": "training.seeding",
    "strip_pruning": "compression.pruning",
    "strip_quantization": "compression.quantization",
    "tf_sepnet": "models",
    "tflite_account": "complexity.tflite_account",
    "training_batches": "data.loader",
    "translate": "translator.unet",
    "unet": "translator.unet",
    "verdicts": "complexity.rules",
    "warmup_cosine": "training.schedules",
    "write_multi_device": "data.multi_device",
    "write_own_set": "data.own_recordings",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'asc_tf' has no attribute '{name}'")
    return getattr(importlib.import_module(f"asc_tf.{_HOMES[name]}"), name)


def __dir__():
    return sorted(__all__)
