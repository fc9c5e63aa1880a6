"""Run the command line with ``python -m riskshift``."""

from riskshift.cli import main

if __name__ == "__main__":
    main()
