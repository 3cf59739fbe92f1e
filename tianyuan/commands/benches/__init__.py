"""The commands of ``tianyuan bench``, a file each."""
