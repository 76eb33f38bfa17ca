"""What the command line prints and writes: one module per verb that has something to say."""
