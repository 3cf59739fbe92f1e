"""Campaigns: many runs of varied scenarios, each a row that can be driven again by itself."""
