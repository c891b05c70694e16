"""The program that the fencing block installs as it stands here."""
