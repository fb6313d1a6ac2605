"""What ``make audit`` checks before a release."""
