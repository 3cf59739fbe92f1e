"""The shipped cars, one TOML file each."""
