"""Class votes: a question put to the whole class, twice, with one command (``python3 run.py class``)."""
