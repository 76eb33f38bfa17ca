"""Raw records: the contract, reading a delivery, quarantine, the lake, and the view as of a date."""
