// Enough of VS Code for a language client to start, open a document and show what the server says.
"use strict";

const record = { providers: {}, diagnostics: [], errors: [] };

function event() {
    const listeners = [];
    return (listener, self) => {
        listeners.push(listener.bind(self));
        return new Disposable();
    };
}

class Disposable {
    dispose() {}
}
class Position {
    constructor(line, character) {
        Object.assign(this, { line, character });
    }
}
class Range {
    constructor(...at) {
        [this.start, this.end] = at.length === 4 ? [new Position(at[0], at[1]), new Position(at[2], at[3])] : at;
    }
}
class Uri {
    constructor(text) {
        Object.assign(this, { text, scheme: "file", path: text.slice(7), fsPath: text.slice(7) });
    }
    toString() {
        return this.text;
    }
    static parse(text) {
        return new Uri(text);
    }
}
class Diagnostic {
    constructor(range, message) {
        Object.assign(this, { range, message });
    }
}
class Hover {
    constructor(contents) {
        this.contents = contents;
    }
}
class MarkdownString {
    constructor(value) {
        this.value = value;
    }
}
class EventEmitter extends Disposable {
    event = event();
    fire() {}
}
class CancellationTokenSource extends Disposable {
    token = { isCancellationRequested: false, onCancellationRequested: event() };
    cancel() {}
}
class CodeActionKind {
    static Empty = new CodeActionKind();
    static QuickFix = new CodeActionKind();
    append() {
        return this;
    }
}

/** What is not said answers with nothing, whatever it is: an event, a class, an enumeration, a function. */
function loose(known) {
    return new Proxy(known, {
        get(target, name) {
            if (name in target || typeof name === "symbol" || name === "then" || name === "__esModule") return target[name];
            if (/^on[A-Z]/.test(name)) return (target[name] = event());
            if (/^register/.test(name)) return (...given) => ((record.providers[name] = given), new Disposable());
            return (target[name] = /^[A-Z]/.test(name) ? loose(class extends Disposable {}) : loose(() => undefined));
        },
    });
}

const collection = { set: (uri, found) => record.diagnostics.push(...found), delete() {}, clear() {}, dispose() {}, forEach() {} };
const channel = { append() {}, appendLine() {}, show() {}, dispose() {}, info() {}, error() {}, warn() {} };

module.exports = loose({
    record, Disposable, Position, Range, Uri, Diagnostic, Hover, MarkdownString, EventEmitter, CancellationTokenSource, CodeActionKind,
    version: "1.95.0",
    env: loose({ appName: "stub", language: "en" }),
    workspace: loose({ workspaceFolders: undefined, textDocuments: [], notebookDocuments: [], getConfiguration: () => ({ get: (name, otherwise) => (name === "command" ? record.command : otherwise) }) }),
    window: loose({ activeTextEditor: undefined, visibleTextEditors: [], tabGroups: { all: [], onDidChangeTabs: event() }, createOutputChannel: () => channel, showErrorMessage: async (text) => record.errors.push(text) }),
    languages: loose({ match: () => 10, createDiagnosticCollection: () => collection }),
    commands: loose({ executeCommand: async () => {} }),
});
