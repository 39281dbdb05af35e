"""What training does when a lower layer tells it something. Losing a signal only costs time."""
