"""What a run's settings say of its system, in the words that the organizers' metadata files suggest."""


def system_description(config, format, is_pruned, networks=1):
    """{field of system.description: value}, without those that only the authors know.

    Args:
        config: a `Config`.
        format: of the file that runs, as for `asc-tf export`.
        is_pruned: whether the run is a pruned network.
        networks: number of networks at inference.
    """
    return {
        "input_sampling_rate": f"{config.frontend.sample_rate_hz / 1000:g}kHz",
        "acoustic_features": "PCEN" if config.frontend.compression == "pcen" else "log-mel energies",
        "data_augmentation": ", ".join(_augmentations(config.augment)) or None,
        "machine_learning_method": "CNN",
        "embeddings": None,
        "ensemble_method_subsystem_count": None,
        "decision_making": None,
        "external_data_usage": None,
        "complexity_management": ", ".join(_complexity_management(config, format, is_pruned)) or "network design",
        "framework": "keras/tensorflow",
        "device_information": "per-device end-to-end fine-tuning" if networks > 1 else None,
        "num_models_at_inference": networks,
        "model_weight_sharing": "fully device-specific" if networks > 1 else "fully shared",
    }


def _augmentations(augment):
    ways = {
        "mixup": augment.mixup_alpha > 0,
        "freq-mixstyle": augment.mixstyle_alpha > 0,
        "dir augmentation": bool(augment.impulse_responses),
        "time rolling": augment.roll_seconds > 0 and augment.roll_probability > 0,
        "frequency masking": augment.frequency_mask_bins > 0,
        "time masking": augment.time_mask_frames > 0,
        "gain": augment.gain_db > 0,
        "dynamic range compression": augment.drc_ratio > 1,
    }
    return [name for name, is_used in ways.items() if is_used]


def _complexity_management(config, format, is_pruned):
    ways = {
        "pruning": is_pruned,
        "knowledge distillation": bool(config.distillation.teacher or config.distillation.recipe),
        "weight quantization": format == "int8",
        "precision_16": format == "float16",
    }
    return [name for name, is_used in ways.items() if is_used]
