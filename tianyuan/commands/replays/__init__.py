"""What `tianyuan replay` does with a log, with a folder of them, and onto a bus."""
