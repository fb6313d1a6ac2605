#!/bin/sh
# Use the commands that are installed in an environment, as a first user does: audit/wheel.sh ENVIRONMENT/bin
set -eu
commands=$(cd "$1" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$commands/ssd-det" --help
"$commands/ssd-det" demo-data --output data --images 3 --test_images 1
"$commands/ssd-det" corrupt-annotations data/train.json --output noisy.json --noise_level 0.3
"$commands/ssd-det" check-annotations noisy.json --image_root data/images
