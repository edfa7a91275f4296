"""What every service may import, and nothing that knows a venue."""
