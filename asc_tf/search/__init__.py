"""Search for the best network under a budget, by KerasTuner's algorithms.

`space` says what is searched, `budget` what a network may cost, `structures` which networks cost no more, `oracles`
which one is tried next, `tuner` tries it; `hypermodel` and `tf_keras_tuner` are for a search of one's own.
"""
