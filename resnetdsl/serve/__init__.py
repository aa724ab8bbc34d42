"""The live preview: a page that follows a spec. `preview` knows the spec, `server` the browser, `watch` the files."""
