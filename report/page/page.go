package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/mcpolicy/mcpolicy/source"
)

//go:embed assets
var assets embed.FS

// scripts are the parts of the script, in this order.
var scripts = []string{
	"dom", "model", "words", "combobox", "overview", "answer", "grid", "canvas", "panel", "matrix", "findings", "changes", "tests", "coverage", "print", "main",
}

// style and script return the one style and the one script of every page.
var (
	style  = sync.OnceValue(func() string { return tight.Replace(brief(read("page.css"))) })
	script = sync.OnceValue(func() string {
		var b strings.Builder
		b.WriteString("'use strict';\n(() => {\n")
		for _, name := range scripts {
			b.WriteString(brief(read(name + ".js")))
		}
		b.WriteString("})();\n")
		return b.String()
	})
)

func read(name string) string {
	data, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(data)
}

// tight leaves out spaces that mean nothing in a style.
var tight = strings.NewReplacer(" { ", "{", " {\n", "{\n", "; ", ";", ": ", ":", " }", "}")

// brief leaves comments and indentation out: lines stay lines.
func brief(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimLeft(line, " "); line != "\n" && !strings.HasPrefix(line, "//") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// hash names a text in a policy of content.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// The parts around the data. What an element holds is exactly what its hash is of.
const head = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src %s; script-src %s; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>mcpolicy</title>
<link rel="icon" href="data:,">
<style>%s</style>
</head>
<body>
<noscript><p>This page shows what its data says by a script of its own, which needs to be allowed to run. It contacts nobody.</p></noscript>
<script type="application/json" id="data">`

const tail = `</script>
<script>%s</script>
</body>
</html>
`

// before and after stand around the data of every page.
var (
	before = sync.OnceValue(func() string { return fmt.Sprintf(head, hash(style()), hash(script()), style()) })
	after  = sync.OnceValue(func() string { return fmt.Sprintf(tail, script()) })
)

// Write writes a page. It is the same for the same data.
func Write(w io.Writer, d *Data) error {
	data, err := Encode(d)
	if err != nil {
		return err
	}
	for _, part := range [][]byte{[]byte(before()), data, []byte(after())} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// Encode returns data as JSON that an element can hold: nothing in it is markup, and
// nothing in it hides.
func Encode(d *Data) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b) // which escapes <, > and &, and U+2028 and U+2029
	if err := e.Encode(d); err != nil {
		return nil, fmt.Errorf("encode the page: %w", err)
	}
	return source.InertJSON(b.Bytes()), nil
}
