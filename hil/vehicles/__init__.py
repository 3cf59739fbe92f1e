"""The plants of the shipped cars, one TOML file each."""
