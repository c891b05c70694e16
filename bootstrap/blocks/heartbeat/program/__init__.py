"""The program that the heartbeat block installs as it stands here."""
