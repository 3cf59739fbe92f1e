"""The vehicle: dynamic single-track model, tyres, powertrain, brakes and actuators."""
