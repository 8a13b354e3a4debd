"""Where samples come from: arrays and files, the schema between raw values and tensors, and batches."""
