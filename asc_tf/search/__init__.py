"""Search for the best network under a budget, by KerasTuner's algorithms.

`space` holds the searched settings, `budget` the limits of a network's cost, `structures` the networks within them.
`oracles` choose the next network and `tuner` tries it. `hypermodel` and `tf_keras_tuner` are for a user's own search.
"""
