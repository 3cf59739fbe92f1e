"""What the machine's figures are measured with: `tianyuan bench`."""
