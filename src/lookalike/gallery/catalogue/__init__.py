"""What a shop says of the things that a gallery's images show: items with a price, a size, a stock."""
