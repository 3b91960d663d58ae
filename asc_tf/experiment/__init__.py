"""An experiment: its settings, recipes, run folder, and the objects that its settings describe."""
