"""Evidence as SVG, drawn in milliseconds: a page that waits for its picture is no page. Needs Pillow.

`asc_tf.evidence.figure` draws the same for print, in a second.
"""

import base64
import html
import io

import numpy as np

from asc_tf.evidence.series import features_over_time, relative, shares_over_time, shown_range

_WIDTH, _LEFT, _PLOT = 920, 64, 840
_SPECTRUM, _ROW, _CURVES, _GAP = 170, 100, 120, 34
_MOST_COLUMNS = 1600  # of the spectrogram; a screen shows no more
_TICKS_HZ = (500, 1000, 2000, 4000, 8000)
_DASHES = ("none", "9 4", "2 4")
_FOR = (190, 75, 0)  # colour of places that speak for a scene


def picture_of(evidence, scenes=3):
    """SVG text of an `Evidence`: spectrogram, the likeliest scenes' evidence over it, scenes over time."""
    duration = max(evidence.seconds, evidence.window_seconds)
    shown = evidence.ranked(scenes) if evidence.confidence else []
    panels = [_spectrum(evidence, duration)]
    heard = evidence.heard()
    maps = [relative(window.scores)[:, column:, shown] for _, _, column, window in heard]
    most = max((float(part.max(initial=0)) for part in maps), default=0) or 1.0
    for number, scene in enumerate(shown):
        placed = [(start, part[:, :, number] / most) for (start, *_), part in zip(heard, maps, strict=True)]
        panels.append(_evidence(evidence, scene, placed, duration))
    panels.append(_curves(evidence, shown, duration))
    parts, top = [], 0
    for title, height, shapes in panels:
        text = f"<text x='{_LEFT}' y='-8' font-weight='bold'>{html.escape(title)}</text>"
        frame = f"<rect x='{_LEFT}' width='{_PLOT}' height='{height}' fill='none' stroke='currentColor'/>"
        ends = "".join(_windows(evidence, height, duration))
        top += _GAP
        parts.append(f"<g transform='translate(0 {top})'>{text}{shapes}{ends}{frame}</g>")
        top += height
    parts.append(f"<g transform='translate(0 {top})'>{_seconds(duration)}</g>")
    size = f"viewBox='0 0 {_WIDTH} {top + 42}'"
    style = "width:100%;height:auto;font:13px sans-serif"
    label = html.escape(f"spectrogram and evidence: {evidence.sentence()}", quote=True)
    return f"<svg {size} style='{style}' fill='currentColor' role='img' aria-label='{label}'>{''.join(parts)}</svg>"


def _spectrum(evidence, duration):
    image, seconds = features_over_time(evidence)
    thin = -(-image.shape[1] // _MOST_COLUMNS)
    if thin > 1:
        image = image[:, : image.shape[1] // thin * thin].reshape(len(image), -1, thin).mean(axis=2)
    floor, top = shown_range(image, evidence.places.decibels_per_unit)
    darkness = np.nan_to_num((image - floor) / max(top - floor, 1e-9))
    grey = (255 * (1 - np.clip(darkness, 0, 1))).astype(np.uint8)
    drawn = _image(grey, 0, seconds, _SPECTRUM, duration, "id='spectrum'")
    return "mel spectrogram (frequency / Hz): what the network gets", _SPECTRUM, drawn + _hertz(evidence, _SPECTRUM)


def _evidence(evidence, scene, placed, duration):
    """`placed` are (start in seconds, how much each place speaks for the scene, 1 at the most) of the windows."""
    white = f"<rect x='{_LEFT}' width='{_PLOT}' height='{_ROW}' fill='#fff'/>"  # on dark pages too
    shapes = [white, f"<use href='#spectrum' opacity='0.35' transform='scale(1 {_ROW / _SPECTRUM})'/>"]
    for start, part in placed:
        pixels = np.empty((*part.shape, 4), np.uint8)
        pixels[..., :3], pixels[..., 3] = _FOR, 220 * np.clip(part, 0, 1)
        places = evidence.places
        tall = _ROW * len(part) * places.bins_each / places.features[0]
        image = _image(pixels, start, part.shape[1] * places.seconds_each, tall, duration)
        top = _ROW * (1 - places.first_bin / places.features[0]) - tall
        shapes.append(f"<g transform='translate(0 {top:.2f})'>{image}</g>")
    share = 100 * evidence.probabilities[scene]
    title = f"{evidence.labels[scene]} {share:.1f} %: the darker, the more this place speaks for it"
    return title, _ROW, "".join(shapes) + _hertz(evidence, _ROW)


def _curves(evidence, shown, duration):
    shapes, series = [], shares_over_time(evidence)
    for scene, dash in zip(shown, _DASHES, strict=False):
        for times, shares in series:
            points = zip(_x(times, duration), _CURVES * (1 - shares[:, scene]), strict=True)
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            style = f"fill='none' stroke='currentColor' stroke-width='2' stroke-dasharray='{dash}'"
            shapes.append(f"<polyline points='{line}' {style}/>")
    for share in (0, 50, 100):
        y = _CURVES * (1 - share / 100)
        shapes.append(f"<text x='{_LEFT - 6}' y='{y + 4:.0f}' text-anchor='end'>{share} %</text>")
    names = zip(("solid", "dashed", "dotted"), [evidence.labels[scene] for scene in shown], strict=False)
    legend = ", ".join(f"{name} {style}" for style, name in names)
    return f"scenes over time{': ' if legend else ''}{legend}", _CURVES, "".join(shapes)


def _windows(evidence, height, duration):
    """Where a window begins; what of it is silent or repeated."""
    for start, _, _, window in evidence.shown():
        x = _x(start, duration)
        if start:
            yield f"<path d='M{x:.1f} 0V{height}' stroke='#777' stroke-dasharray='2 4'/>"
        if window is None:
            yield f"<text x='{x + 6:.1f}' y='{height / 2:.0f}' fill='#777'>silence</text>"
    if 0 < evidence.seconds < evidence.window_seconds:
        x = _x(evidence.seconds, duration)
        yield f"<path d='M{x:.1f} 0V{height}' stroke='#777' stroke-width='2'/>"
        yield f"<text x='{x + 4:.1f}' y='14' fill='#777'>repeated to fill a window</text>"


def _x(seconds, duration):
    return _LEFT + _PLOT * np.asarray(seconds) / duration


def _image(pixels, start, seconds, height, duration, more=""):
    """An image of [frequency, time] or [frequency, time, 4], the lowest frequency below, cut where the plot ends."""
    from PIL import Image

    if not pixels.size or start >= duration:
        return ""
    content = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels[::-1]))
    # A spectrogram is noise, on which PNG's compression takes as long as decoding the recording.
    kind = "png" if image.mode == "RGBA" else "jpeg"
    image.save(content, kind, **({"compress_level": 1} if kind == "png" else {"quality": 90}))
    data = base64.b64encode(content.getvalue()).decode()
    x, width = float(_x(start, duration)), _PLOT * seconds / duration
    clip = f"clip-path='inset(0 {max(0.0, x + width - _LEFT - _PLOT):.1f} 0 0)'"
    place = f"x='{x:.1f}' y='0' width='{width:.1f}' height='{height}' preserveAspectRatio='none' {clip}"
    return f"<image {more} {place} href='data:image/{kind};base64,{data}'/>"


def _hertz(evidence, height):
    texts = []
    for hz, place in evidence.places.marks(_TICKS_HZ):
        y = height * (1 - place / evidence.places.features[0])
        texts.append(f"<text x='{_LEFT - 6}' y='{y + 4:.0f}' text-anchor='end'>{hz}</text>")
    return "".join(texts)


def _seconds(duration):
    step = next(step for step in (0.5, 1, 2, 5, 10, 20, 60, 120) if duration / step <= 12)
    marks = [
        f"<text x='{_x(second, duration):.1f}' y='16' text-anchor='middle'>{second:g}</text>"
        for second in np.arange(0, duration + 0.01, step)
    ]
    return "".join(marks) + f"<text x='{_LEFT + _PLOT / 2}' y='34' text-anchor='middle'>time / s</text>"
