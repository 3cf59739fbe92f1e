"""Campaigns that come with the package."""
