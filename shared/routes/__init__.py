"""What buying a coin on one market and selling it on another is worth: a file a question, its formula in the docstring.

All of it is pure and exact: decimal text in, whole-number ratios, rounded once. The scanner finds its routes by it, the
api the best one among the exchanges that a user has left.
"""
