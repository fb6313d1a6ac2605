"""The chain of commands from noisy boxes to a tested detector, which goes on where it was stopped.

Nothing here imports torch: what the stages do, they do in processes of their own.
"""
