"""A city that does not exist: it writes deliveries of every feed, and the truth behind them.

`simulate.simulate` is the way in. `population` makes who is there, `stress` the hidden state and what it
does, `truth` the probabilities given that state; each other module writes the feeds that its name says.
"""
