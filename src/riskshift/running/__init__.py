"""From texts to labels: models and services are asked here, and nowhere else."""
