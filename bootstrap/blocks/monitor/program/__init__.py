"""The program that the monitor block installs as it stands here."""
