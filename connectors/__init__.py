"""Everything outside the process: schools, HR systems, spreadsheets, chat, settings, the database's engine.

Belongs here: protocols and how they fail. Does not: what the programme makes of what is read (tasks, models).
"""
