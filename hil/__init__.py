"""The rig: vehicle plant, sensors, closed loops in virtual and real time, reports."""
