"""PyTorch checkpoints written opcode by opcode, so that tests need no PyTorch and can say anything."""

import zipfile

import numpy as np

STORAGES = {"f4": "FloatStorage", "f2": "HalfStorage", "i8": "LongStorage"}


def text(value):
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def integer(value):
    return b"J" + value.to_bytes(4, "little", signed=True)


def group(*items):
    return b"(" + b"".join(items) + b"t"


def name(module, attribute):
    return f"c{module}\n{attribute}\n".encode()


def call(function, *arguments):
    return function + group(*arguments) + b"R"


def dictionary(items):
    """Of texts and pickled values."""
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def tensor(key, kind, numbers, shape, strides, offset=0):
    storage = group(text("storage"), name("torch", STORAGES[kind]), text(key), text("cpu"), integer(numbers)) + b"Q"
    sizes = group(*map(integer, shape)), group(*map(integer, strides))
    hooks = call(name("collections", "OrderedDict"))
    return call(name("torch._utils", "_rebuild_tensor_v2"), storage, integer(offset), *sizes, b"\x89", hooks)


def write_archive(path, pickled, storages=(), compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + pickled + b".")
        for key, content in dict(storages).items():
            archive.writestr(f"archive/data/{key}", content)
    return path


def write_checkpoint(path, tensors):
    """As PyTorch Lightning writes {name: array}."""
    state, storages = {}, {}
    for number, (key, value) in enumerate(tensors.items()):
        value = np.ascontiguousarray(value)
        strides = [stride // value.itemsize for stride in value.strides]
        state[key] = tensor(str(number), value.dtype.str[1:], value.size, value.shape, strides)
        storages[str(number)] = value.tobytes()
    return write_archive(path, dictionary({"epoch": integer(3), "state_dict": dictionary(state)}), storages)


def drawn_tensors(model, network):
    """A checkpoint's tensors for a small model: names and axes as PyTorch has them, numbers drawn."""
    import tf_keras as keras

    from asc_tf.models.public_checkpoints import PUBLIC_NETWORKS

    public, generator, tensors = PUBLIC_NETWORKS[network], np.random.default_rng(0), {}
    for name, module in public.names():
        layer, weights = model.get_layer(name), model.get_layer(name).get_weights()
        if isinstance(layer, keras.layers.BatchNormalization):
            parts = ("weight", "bias", "running_mean", "running_var")
            tensors[f"{public.prefix}{module}.num_batches_tracked"] = np.array(3)
        else:
            parts = ("gamma", "beta") if name.endswith("_grn") else ("weight", "bias")
        for part, weight in zip(parts, weights, strict=False):
            shape = weight.shape
            if weight.ndim == 4 and isinstance(layer, keras.layers.DepthwiseConv2D):
                shape = (shape[2] * shape[3], 1, *shape[:2])
            elif weight.ndim == 4:
                shape = (shape[3], shape[2], *shape[:2])
            tensors[f"{public.prefix}{module}.{part}"] = generator.uniform(0.5, 1.5, shape).astype(np.float32)
            if len(shape) == 4:
                tensors[f"{public.prefix}{module}.{part}"] -= 1
    return tensors
