"""What exists: the typed description of a stack, its checks, and the plan that follows from it.

Knows nothing of Pulumi, pyinfra or Jinja2, and imports nothing of ours from outside this folder.
"""
