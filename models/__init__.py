"""What the programme is: rules (pure), records, tables with their repositories; nothing here commits or calls out."""
