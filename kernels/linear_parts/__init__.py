"""What `linear.train_linear` is made of: rows, losses, steps, penalties, averages."""
