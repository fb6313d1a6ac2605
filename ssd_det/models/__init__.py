"""Networks as plain ``nn.Module``: no Lightning, no files but pretrained weights."""
