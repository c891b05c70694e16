"""The splitter: what its agent says, and what it does with two real servers."""
