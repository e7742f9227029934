"""The grammar behind `vlm_picking.prompt.parse_prompt`; standard library only."""
