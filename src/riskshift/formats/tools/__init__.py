"""Tools that ask models and judge what they answer."""
