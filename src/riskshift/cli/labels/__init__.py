"""Commands by which labels come about: asked of models, graders and people."""
