"""What host, driver and warden say to each other, and how they keep it to themselves.  Standard library only."""
