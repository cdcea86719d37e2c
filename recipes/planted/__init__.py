"""Models whose faithfulness is known by how they were taught; the battery is measured on them."""
