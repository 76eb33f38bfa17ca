"""How a model is made: dates, folds, backtest, training, and what MLflow keeps of it."""
