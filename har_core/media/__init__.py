"""Untrusted bytes and archives → upright RGB photos and folders of photos; file names → photos on this machine."""
