"""The public face: the one component that may send orders to a broker."""
