"""How weights are learned: the start, the loop, optimisers and schedules, checkpoints, and what is reported."""
