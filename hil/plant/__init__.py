"""The vehicle: dynamic single-track model, tyres, powertrain and brakes."""
