"""SQL files to who reads and writes what. Plain reads of tables; never silently empty: what can't be read is said."""
