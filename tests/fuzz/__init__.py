"""Readers of files, fed with damaged and hostile ones."""
