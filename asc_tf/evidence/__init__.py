"""What a network's answer rests on: the scores of the scenes at each place of a recording, before their mean."""
