"""The HTTP side: the gate, the API's routes and the pages."""
