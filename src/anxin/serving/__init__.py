"""How it reaches people: the daily run, the service and its API, reports, pages and exports."""
