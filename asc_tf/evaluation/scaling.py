"""Scaling of logits so that probabilities mean what they say, fitted on clips that training did not use."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax

_LOG_RANGE = (-3.0, 3.0)  # of the factor: 0.05 to 20
_FOLDS = 5
_SPREAD = 0.5  # standard deviation of log T among networks, before any of their clips is heard


@dataclass(frozen=True)
class Scaling:
    """New logits z' = factor * z + offset.

    Args:
        factor, offset: of each scene, float64 [classes]. A temperature T is one factor 1 / T for all, and no offset.
    """

    factor: np.ndarray
    offset: np.ndarray

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        return self.factor * logits + self.offset

    @property
    def temperature(self):
        """T, if all scenes have the same factor and no offset, else None."""
        same = np.all(self.factor == self.factor[0]) and not self.offset.any()
        return float(1 / self.factor[0]) if same else None


def best_temperature(logits, labels, groups=None):
    """The `Scaling` by the most probable temperature T: the least log loss, with a pull towards 1 for few groups.

        mean log loss * groups + (ln T)^2 / (2 * 0.5^2)

    A few clips that are all right, or two that are wrong, would ask for extreme temperatures. Clips of one group are
    not independent of each other, so that groups are counted, not clips.

    Args:
        logits: [clips, classes].
        labels: index of the true scene of each clip.
        groups: of each clip, such as its location; None makes each clip a group.

    Reference: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2. Difference: the pull. Its
    width is ours.
    """
    logits = np.asarray(logits, np.float64)
    count = len(logits) if groups is None else len(set(np.asarray(groups, str)))

    def log_loss(log_factor):
        return _losses(np.exp(log_factor) * logits, labels).mean() + (log_factor / _SPREAD) ** 2 / (2 * count)

    found = minimize_scalar(log_loss, bounds=_LOG_RANGE, method="bounded").x
    classes = logits.shape[1]
    return Scaling(np.full(classes, np.exp(found)), np.zeros(classes))


def best_per_class(logits, labels):
    """The `Scaling` by a factor and an offset for each scene with the least log loss; arguments of `best_temperature`.

    Reference: Guo et al., ICML 2017, section 4.2 ("vector scaling").
    """
    logits = np.asarray(logits, np.float64)
    classes = logits.shape[1]
    truth = np.eye(classes)[labels]

    def loss_and_slope(values):
        factor, offset = np.exp(values[:classes]), values[classes:]
        log_probability = log_softmax(factor * logits + offset, axis=1)
        error = (np.exp(log_probability) - truth) / len(logits)
        slope = np.concatenate([factor * (error * logits).sum(axis=0), error.sum(axis=0)])
        return -(log_probability * truth).sum() / len(logits), slope

    start = np.concatenate([np.log(best_temperature(logits, labels).factor), np.zeros(classes)])
    bounds = [_LOG_RANGE] * classes + [(None, None)] * classes
    found = minimize(loss_and_slope, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Scaling(np.exp(found[:classes]), found[classes:] - found[classes:].mean())


def best_scaling(logits, labels, groups):
    """The `Scaling` to use: one temperature, or one factor and offset a scene where that pays.

    It pays if clips that it was not fitted on have a lower log loss with it, by more than two standard errors of the
    groups' mean difference, in a cross-validation whose parts share no group.

    Args:
        logits, labels: of `best_temperature`.
        groups: of each clip, such as its location: clips of one group sound alike.
    """
    logits, labels = np.asarray(logits, np.float64), np.asarray(labels)
    temperature = best_temperature(logits, labels, groups)
    names, numbers = np.unique(np.asarray(groups, str), return_inverse=True)
    if len(names) < _FOLDS:
        return temperature
    gain = np.zeros(len(logits))
    for fold in range(_FOLDS):
        held_out = np.random.default_rng(0).permutation(len(names))[numbers] % _FOLDS == fold
        for fit, sign in ((best_temperature, 1), (best_per_class, -1)):
            scaled = fit(logits[~held_out], labels[~held_out])(logits[held_out])
            gain[held_out] += sign * _losses(scaled, labels[held_out])
    gains = np.bincount(numbers, gain) / np.bincount(numbers)
    pays = gains.mean() > 2 * gains.std(ddof=1) / np.sqrt(len(gains))
    return best_per_class(logits, labels) if pays else temperature


def _losses(logits, labels):
    return -log_softmax(logits, axis=1)[np.arange(len(labels)), labels]
