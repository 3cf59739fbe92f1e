"""The commands, a file each; ``tianyuan/cli.py`` gathers them."""
