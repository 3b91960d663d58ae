"""The account of a network: the storage, computation and features of each layer. Needs no TensorFlow."""

import dataclasses
import math
from dataclasses import dataclass, field

from asc_tf.complexity.parameters import Parameters, bytes_by_type, with_types
from asc_tf.errors import AscError

NETWORK, FRONTEND = "network", "frontend"
PARTS = (NETWORK, FRONTEND)


def sum_of(numbers):
    """Sum of the values; None if one of them is unknown."""
    numbers = list(numbers)
    return None if None in numbers else sum(numbers)


@dataclass(frozen=True)
class Operations:
    """Operations that a layer computes for one clip.

    Args:
        macs: multiply-accumulates between the data and a stored kernel: convolutions of every kind and dense layers.
            The rules limit these. Every tap counts at every output, even over the zeros of the padding.
        multiplications: all other products, squares and divisions: batch, sub-band and residual normalization, scaling,
            gates, products of two feature maps, the one division of each mean. Additions and comparisons are free.
        functions: values of exp, log, roots, sigmoids and the like, which cost more than a product.
    """

    macs: int = 0
    multiplications: int = 0
    functions: int = 0

    def __add__(self, other):
        return Operations(
            self.macs + other.macs, self.multiplications + other.multiplications, self.functions + other.functions
        )

    def scaled(self, times, clips=1):
        """These operations times a number of runs, divided by a number of clips; rounded up."""
        return Operations(*(-(-times * count // clips) for count in (self.macs, self.multiplications, self.functions)))


@dataclass(frozen=True)
class LayerAccount:
    """One layer of a Keras model or one operator of a .tflite file.

    Args:
        name: of the layer, or of the operator's output.
        operation: class of the layer, or name of the operator.
        part: NETWORK or FRONTEND.
        output_shape: of one clip, without the batch; of the first output if there are several. None marks an unknown
            length.
        output_dtype: its type.
        output_bytes: of the layer's output; 0 if that is the input under another name or shape, None if unknown.
        parameters: tuple of `Parameters`; a layer that is called twice lists them at its first call.
        operations: total of all its runs.
        unaccounted: names of operations that the account does not know, or whose size or number of runs is unknown; no
            sum includes them.
        times: number of runs per clip, more than one in a loop; None if unknown.
    """

    name: str
    operation: str
    part: str
    output_shape: tuple
    output_dtype: str
    output_bytes: int | None
    parameters: tuple[Parameters, ...] = ()
    operations: Operations = Operations()
    unaccounted: tuple[str, ...] = ()
    times: int | None = 1


@dataclass(frozen=True)
class Peak:
    """The most bytes of features alive at once, None if unknown, and the layer where they are reached."""

    bytes: int | None = 0
    layer: str = ""


@dataclass(frozen=True)
class Account:
    """What a network costs for one clip.

    Args:
        name: of the model, or the path of the file.
        source: "keras" or "tflite".
        layers: `LayerAccount` of every layer or operator in the order of execution.
        peaks: {part: Peak}.
        seconds: of sound in the input, or None if unknown.
        receptive_field: {"convolutions": (frequency, time), "with pooling": (frequency, time)}, or None.
        file_bytes: size of the .tflite file.
        remarks: sentences about the meaning of the numbers.

    Raises:
        AscError: `seconds` is not a positive number.
    """

    name: str
    source: str
    layers: tuple[LayerAccount, ...]
    peaks: dict = field(default_factory=dict)
    seconds: float | None = None
    receptive_field: dict | None = None
    file_bytes: int | None = None
    remarks: tuple[str, ...] = ()

    def __post_init__(self):
        if self.seconds is not None and not 0 < self.seconds < math.inf:
            raise AscError(f"{self.name}: has an input of {self.seconds} seconds; expected a positive number")

    def parts(self):
        """The parts present: the network, or frontend and network."""
        return [part for part in PARTS if any(layer.part == part for layer in self.layers)]

    def parameters(self, part=NETWORK):
        """`Parameters` of all layers of a part."""
        return [tensor for layer in self.layers if layer.part == part for tensor in layer.parameters]

    def trainable_parameters(self, part=NETWORK):
        """Number of parameters of a part that training changes."""
        return sum(tensor.count for tensor in self.parameters(part) if tensor.trainable)

    def operations(self, part=NETWORK):
        """`Operations` of all layers of a part."""
        return sum((layer.operations for layer in self.layers if layer.part == part), Operations())

    def macs_per_second(self):
        """MACs of the network for each second of sound, rounded up; None if the length of the input is unknown."""
        return None if self.seconds is None else math.ceil(self.operations().macs / self.seconds)

    def bytes_by_type(self, part=NETWORK):
        """{type: bytes} of a part's parameters, zeros included."""
        return bytes_by_type(self.parameters(part))

    def activation_bytes_by_type(self, part=NETWORK):
        """{type: bytes} of the outputs of a part's layers, summed as if all were kept; None if unknown."""
        sizes = {}
        for layer in self.layers:
            if layer.part == part and layer.output_bytes != 0:
                sizes.setdefault(layer.output_dtype, []).append(layer.output_bytes)
        return {dtype: sum_of(each) for dtype, each in sizes.items()}

    def unaccounted(self, part=NETWORK):
        """Everything that the sums leave out, each as "operation in layer"."""
        layers = [layer for layer in self.layers if layer.part == part]
        return [f"{operation} in {layer.name}" for layer in layers for operation in layer.unaccounted]

    def with_types(self, types):
        """The same account with the network's parameters stored in other types, see `parameters.with_types`."""
        return dataclasses.replace(
            self,
            layers=tuple(
                dataclasses.replace(layer, parameters=tuple(with_types(layer.parameters, types)))
                if layer.part == NETWORK
                else layer
                for layer in self.layers
            ),
        )
