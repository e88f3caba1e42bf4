"""The local page: practise as the counselor, and read the sessions of a folder, in a browser on this machine."""
