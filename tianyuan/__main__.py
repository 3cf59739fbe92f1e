"""``python -m tianyuan``."""

from tianyuan.cli import main

if __name__ == "__main__":
    main()
