"""What an order cost and why, computed from records and recorded market data. Pure."""
