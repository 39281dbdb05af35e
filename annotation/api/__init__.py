"""HTTP for services, the queue, tickets and imports."""
