"""Sub-bands of the frequency axis."""


def check_sub_bands(layer, bins, sub_bands):
    """Raise a ValueError if a layer's frequency bins are unknown or cannot be divided into its sub-bands."""
    if bins is None or bins % sub_bands:
        raise ValueError(
            f"{type(layer).__name__} '{layer.name}' got {bins} frequency bins; "
            f"expected a multiple of sub_bands = {sub_bands}"
        )
