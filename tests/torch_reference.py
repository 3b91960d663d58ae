"""BC-ResNet-ASC and its parts in plain PyTorch, channels first, written from the papers to check and time ours against.

Features are [batch, channel, frequency, time]. Convolutions of stride 2 pad as ours do, the odd row after the input.

References: Kim et al., "Broadcasted Residual Learning for Efficient Keyword Spotting", Interspeech 2021; Kim et al.,
"Domain Generalization on Efficient Acoustic Scene Classification using Residual Normalization", DCASE Workshop 2021;
Chang et al., "SubSpectral Normalization for Neural Audio Data Processing", ICASSP 2021.
"""

import torch
from torch import nn
from torch.nn import functional


class SubSpectralNorm(nn.Module):
    """Batch normalization of the sub-bands as if they were channels (Chang et al., section 2)."""

    def __init__(self, channels, sub_bands=4):
        super().__init__()
        self.sub_bands = sub_bands
        self.norm = nn.BatchNorm2d(channels * sub_bands)

    def forward(self, x):
        batch, channels, frequency, time = x.shape
        bands = x.reshape(batch, channels * self.sub_bands, frequency // self.sub_bands, time)
        return self.norm(bands).reshape(x.shape)


class ResNorm(nn.Module):
    """lambda * x + FreqIN(x) (DCASE Workshop 2021, equations 1 to 3); `weight` is lambda, and 0 gives FreqIN."""

    def __init__(self, weight=0.1, epsilon=1e-5):
        super().__init__()
        self.weight, self.epsilon = weight, epsilon

    def forward(self, x):
        variance, mean = torch.var_mean(x, dim=(1, 3), correction=0, keepdim=True)
        return self.weight * x + (x - mean) / torch.sqrt(variance + self.epsilon)


class BCResBlock(nn.Module):
    """The broadcasted residual block (Interspeech 2021, equations 2 and 3); a transition where channels change."""

    def __init__(self, inputs, outputs, sub_bands=4, dropout=0.1):
        super().__init__()
        self.transition = inputs != outputs
        if self.transition:
            self.expand = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
            )
        self.frequency = nn.Conv2d(outputs, outputs, (3, 1), padding=(1, 0), groups=outputs, bias=False)
        self.ssn = SubSpectralNorm(outputs, sub_bands)
        self.f1 = nn.Sequential(
            nn.Conv2d(outputs, outputs, (1, 3), padding=(0, 1), groups=outputs, bias=False),
            nn.BatchNorm2d(outputs),
            nn.SiLU(inplace=True),
            nn.Conv2d(outputs, outputs, 1, bias=False),
            nn.Dropout2d(dropout),
        )

    def forward(self, x):
        identity = None if self.transition else x
        if self.transition:
            x = self.expand(x)
        f2 = self.ssn(self.frequency(x))
        y = f2 + self.f1(f2.mean(dim=2, keepdim=True))
        return functional.relu(y if identity is None else y + identity, inplace=True)


class BCResNetASC(nn.Module):
    """The whole network (DCASE Workshop 2021, table 1), ResNorm at the input and after each stage; gives logits."""

    def __init__(self, width=10, classes=10, weight=0.1, dropout=0.1):
        super().__init__()
        channels = 2 * width
        self.input_norm = ResNorm(weight)
        self.stem = nn.Conv2d(1, channels, 5, stride=2, bias=False)
        self.stem_norm = nn.BatchNorm2d(channels)
        stages = []
        for factor, depth in ((1, 2), (1.5, 2), (2, 2), (2.5, 3)):
            blocks = []
            for _ in range(depth):
                blocks.append(BCResBlock(channels, int(factor * width), dropout=dropout))
                channels = int(factor * width)
            stages.append(nn.Sequential(*blocks, ResNorm(weight)))
        self.stages = nn.ModuleList(stages)
        self.classifier = nn.Conv2d(channels, classes, 1)

    def forward(self, x):
        x = pad_as_keras(self.input_norm(x), kernel=5, stride=2)
        x = functional.relu(self.stem_norm(self.stem(x)), inplace=True)
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number < 2:
                x = functional.max_pool2d(x, 2)
        return self.classifier(x).mean(dim=(2, 3))


def pad_as_keras(x, kernel, stride):
    """Zeros for "same" padding, the odd one after the input."""
    padding = []
    for size in reversed(x.shape[2:]):
        missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        padding += [missing // 2, missing - missing // 2]
    return functional.pad(x, padding)


def parameter_pairs(keras_layers, module):
    """(Keras variable, PyTorch tensor, function from the former's array to the latter's) of every weight.

    Args:
        keras_layers: in the order of the computation, such as the layers of our model.
        module: the same computation here; its parts are declared in that order too.
    """
    ours = [layer for layer in keras_layers if layer.weights and type(layer).__name__ != "Normalization"]
    theirs = [part for part in module.modules() if isinstance(part, nn.Conv2d | nn.BatchNorm2d)]
    for layer, part in zip(ours, theirs, strict=True):
        if isinstance(part, nn.BatchNorm2d):
            tensors = [part.weight, part.bias, part.running_mean, part.running_var]
            # SubSpectralNorm counts the bands of a channel first, ours the channels of a band.
            change = [lambda array: array.T.reshape(-1)] * 4
        else:
            depthwise = "Depthwise" in type(layer).__name__
            kernel = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
            tensors = [part.weight] if part.bias is None else [part.weight, part.bias]
            change = [lambda array, axes=kernel: array.transpose(axes), lambda array: array][: len(tensors)]
        yield from zip(layer.weights, tensors, change, strict=True)


def copy_weights(keras_layers, module):
    """Give a PyTorch module the weights of our layers; arguments as for `parameter_pairs`."""
    with torch.no_grad():
        for variable, tensor, change in parameter_pairs(keras_layers, module):
            tensor.copy_(torch.from_numpy(change(variable.numpy()).copy()))
