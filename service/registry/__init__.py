"""What makes the server a trial registry."""
