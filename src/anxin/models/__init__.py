"""What a model is: probabilities, severity, grades, reasons, rules; one pure scoring function; its saved form."""
