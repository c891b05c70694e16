"""The program that the notify block installs as it stands here."""
