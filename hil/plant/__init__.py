"""The vehicle: double track on rolling springs, tyres, powertrain, differentials, brakes."""
