"""The scenarios that come with the rig."""
