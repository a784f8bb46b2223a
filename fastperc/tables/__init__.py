"""From a table, in a file or a frame, to a model and its predictions."""
