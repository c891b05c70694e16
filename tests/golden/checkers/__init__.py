"""Every rendered file, judged by its daemon's own checker in the golden image's root tree."""
