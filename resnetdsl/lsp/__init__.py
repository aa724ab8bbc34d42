"""The language server: what `check`, `fmt` and `explain` know, in an editor, while one types. No torch here.

`document.py` is a text and what is known of it; `names.py` says what its names mean. From these each of the other files
answers one kind of question, in the words of the protocol, and `server.py` wires them to it.
"""
