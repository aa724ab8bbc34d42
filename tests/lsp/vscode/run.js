// Runs the extension as VS Code does, on one document: node run.js EXTENSION TEXT COMMAND... Prints what it then knows.
"use strict";

const Module = require("module");
const resolve = Module._resolveFilename;
Module._resolveFilename = (name, ...rest) => (name === "vscode" ? require.resolve("./stub.js") : resolve(name, ...rest));

const vscode = require("./stub.js");
const [extension, text] = process.argv.slice(2);
const { record } = vscode;
record.command = process.argv.slice(4);
const uri = vscode.Uri.parse("file:///nowhere/net.rnet");
const document = { uri, languageId: "rnet", version: 1, getText: () => text, lineCount: text.split("\n").length, isClosed: false };

async function main() {
    vscode.workspace.textDocuments.push(document);
    const { activate, deactivate } = require(extension);
    await activate();
    for (let waited = 0; !record.diagnostics.length && !record.errors.length && waited < 200; waited++) {
        await new Promise((done) => setTimeout(done, 50));
    }
    const [, hover] = record.providers.registerHoverProvider ?? [];
    const { token } = new vscode.CancellationTokenSource();
    const told = hover ? await hover.provideHover(document, new vscode.Position(1, 6), token) : null;
    const { providers, diagnostics, errors } = record;
    const found = diagnostics.map(({ message, range }) => [message, range.start.line]);
    process.stdout.write(JSON.stringify({ errors, diagnostics: found, hover: JSON.stringify(told), providers: Object.keys(providers) }));
    await deactivate();
}

main().then(() => process.exit(0), (reason) => { process.stderr.write(String(reason?.stack ?? reason)); process.exit(1); });
