"""Binance spot and USD-M futures as the simulator plays them."""
