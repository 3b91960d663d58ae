"""Flash and RAM of a folder of C by part."""

from dataclasses import dataclass

CODE_BYTES = 3072
"""flash of the code of frontend and stream: 1.9 KB on a Cortex-M4, 3.0 KB on a Cortex-M0+"""
_POINTERS = 16  # of the ring: place and number of missing samples, on a chip of 32 bits


@dataclass(frozen=True)
class Footprint:
    """Bytes by part, for chips of 32 bits.

    Attributes:
        ring, spectrum, features: RAM of the frontend: samples of a window, the Fourier transform, one frame.
        map: RAM of the ring of frames of windows that overlap; 0 if the network's input takes the frames.
        arena: `Arena` of the network.
        model, tables, fixed_tables: flash of the network, of the tables in floating point and in fixed point.
        macs: of one window.
    """

    ring: int
    spectrum: int
    features: int
    map: int
    arena: object
    model: int
    tables: int
    fixed_tables: int
    macs: int

    @property
    def frontend(self):
        return self.ring + self.spectrum + self.features

    @property
    def ram(self):
        return self.frontend + self.map + self.arena.bytes

    @property
    def flash(self):
        return self.model + self.tables + CODE_BYTES

    def lines(self):
        """RAM and flash for a reader."""
        by = "measured by tflite-micro" if self.arena.measured else "estimated; tflite-micro, if installed, measures it"
        yield (
            f"  RAM: {self.ram:,} bytes = {self.frontend:,} of the frontend + {self.map:,} of frames "
            f"+ {self.arena.bytes:,} of the arena ({by})"
        )
        yield (
            f"  flash: {self.flash:,} bytes = {self.model:,} of the network + {self.tables:,} of tables "
            f"+ {CODE_BYTES:,} of the frontend's code"
        )


def footprint_of(network, tables, arena, macs):
    """`Footprint` of a `Network` with its `Tables` and its `Arena`."""
    sizes = tables.sizes
    bins, frames = sizes["ASC_MEL_BINS"], sizes["ASC_FRAMES"]
    return Footprint(
        ring=2 * sizes["ASC_WINDOW"] + _POINTERS,
        spectrum=4 * sizes["ASC_FFT"],
        features=4 * bins,
        map=bins * frames if sizes["ASC_STEP_FRAMES"] else 0,
        arena=arena,
        model=len(network.content),
        tables=tables.bytes(fixed_point=False),
        fixed_tables=tables.bytes(fixed_point=True),
        macs=macs,
    )
