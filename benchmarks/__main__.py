"""Run the speed ratios."""

from benchmarks.speed import main

if __name__ == "__main__":
    main()
