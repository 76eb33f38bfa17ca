"""`python -m anxin.cli`."""

from anxin.cli import main

main()
