"""Where graders are asked: models and services behind the packages of their makers."""
