"""What the world is: identifiers, places, industries, regulators, the calendar and the law.

Pure functions over effective-dated tables that are data files beside them. Nothing here reads a clock, and no
file but those tables.
"""
