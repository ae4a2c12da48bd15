"""The simulated world: raw tables like a real platform's export, and the truth behind them."""
