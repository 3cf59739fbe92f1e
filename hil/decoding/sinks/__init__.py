"""What decoded tables are written to: a kind of file each, all in constant memory."""
