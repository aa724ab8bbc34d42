from __future__ import annotations
from resnetdsl.syntax.tables import END
class Mistakes:
    def __init__(self, file, tokens, sink, keywords):
        self.file, self.tokens, self.sink, self.keywords = file, tokens, sink, keywords
    def judge(self, machine, at):
        t = self.tokens
        span = self.file.span(t.starts[at], t.ends[at])
        expected = ", ".join(machine.acceptable())
        if t.types[at] == END:
            self.sink.report("E0103", span, doing="a spec", expected=expected)
        else:
            self.sink.report("E0101", span, found=f"`{span.text}`", expected=expected, doing=None, suggestion=None)
        return None
