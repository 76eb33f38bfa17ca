"""What came true: labels, the evaluator of any list, baselines."""
