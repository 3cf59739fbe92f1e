"""The host: configuration, boot, the loop and the one tick it runs."""
