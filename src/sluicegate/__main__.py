"""`python -m sluicegate`."""

from sluicegate.cli.main import main

if __name__ == "__main__":
    main()
