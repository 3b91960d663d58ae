"""Well-known boards, and whether a network fits."""

from dataclasses import dataclass

KB = 1024


@dataclass(frozen=True)
class Board:
    """A chip with the flash of its usual board.

    Attributes:
        name: chip (board).
        core: processor and its clock.
        ram_bytes, flash_bytes: as its maker states them, all of it; a radio stack or an operating system takes a part.
        has_float: whether it has a unit for single precision.
    """

    name: str
    core: str
    ram_bytes: int
    flash_bytes: int
    has_float: bool = True


BOARDS = (
    Board("RP2040 (Raspberry Pi Pico)", "Cortex-M0+, 133 MHz", 264 * KB, 2048 * KB, has_float=False),
    Board("nRF52840 (Arduino Nano 33 BLE)", "Cortex-M4F, 64 MHz", 256 * KB, 1024 * KB),
    Board("ESP32-S3 (DevKitC, 8 MB)", "Xtensa LX7, 240 MHz", 512 * KB, 8192 * KB),
    Board("STM32F746 (Discovery)", "Cortex-M7, 216 MHz", 320 * KB, 1024 * KB),
    Board("STM32N657 (Cortex-M55)", "Cortex-M55, 800 MHz", 4300 * KB, 8192 * KB),
)


@dataclass(frozen=True)
class BoardVerdict:
    """Whether a need of RAM and flash fits a board, each True or False, with the shares in percent."""

    board: Board
    ram_percent: float
    flash_percent: float

    @property
    def fits(self):
        return max(self.ram_percent, self.flash_percent) <= 100


def board_verdicts(ram_bytes, flash_bytes, boards=BOARDS):
    """A `BoardVerdict` for each board: shares of its RAM and its flash that the network takes."""
    return [
        BoardVerdict(board, 100 * ram_bytes / board.ram_bytes, 100 * flash_bytes / board.flash_bytes)
        for board in boards
    ]


def verdict_lines(footprint, boards=BOARDS):
    """Lines for a reader: what a `Footprint` takes, and for each board whether that fits."""
    lines = ["microcontrollers, without the interpreter's code, the stack and other programs:", *footprint.lines()]
    for verdict in board_verdicts(footprint.ram, footprint.flash, boards):
        shares = f"{verdict.ram_percent:.0f} % of the RAM, {verdict.flash_percent:.0f} % of the flash"
        lines.append(f"  {verdict.board.name}: {'fits' if verdict.fits else 'does not fit'}, {shares}")
    return lines


def verdict_dict(footprint, boards=BOARDS):
    """The same in plain dicts, lists, strings and numbers."""
    return {
        "ram_bytes": footprint.ram,
        "flash_bytes": footprint.flash,
        "arena_bytes": footprint.arena.bytes,
        "arena_is_measured": footprint.arena.measured,
        "boards": [
            {"name": verdict.board.name, "fits": verdict.fits, "ram_bytes": verdict.board.ram_bytes,
             "flash_bytes": verdict.board.flash_bytes}
            for verdict in board_verdicts(footprint.ram, footprint.flash, boards)
        ],
    }  # fmt: skip
