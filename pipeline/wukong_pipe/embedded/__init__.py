"""The teacher made of templates."""
