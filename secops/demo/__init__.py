"""The main job on an invented district: everything shown as found was found on this machine in this run."""
