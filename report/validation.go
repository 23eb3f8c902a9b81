package report

import (
	"errors"
	"fmt"
	"io"

	"github.com/mcpolicy/mcpolicy/source"
)

// A Validation is what came of reading one file by itself.
type Validation struct {
	File     string
	Kind     string  // "" if it is none that is known
	Mistakes []error // none if it is valid; see [source.Mistakes]
}

// ValidationFormats lists the ways to write what came of reading files.
func ValidationFormats() []Writer[[]Validation] {
	return []Writer[[]Validation]{{"text", ValidationText}, {"json", ValidationJSON}}
}

// maxMistakes is how many mistakes of one file are shown, but for Options.All.
const maxMistakes = 30

// ValidationText writes what came of reading files, for a terminal.
func ValidationText(w io.Writer, files []Validation, o Options) error {
	p := newPrinter(w, o)
	mistakes, valid := 0, 0
	for i, f := range files {
		if len(f.Mistakes) == 0 {
			valid++
			p.line().sign(good, "valid").to(labelWidth).add(plain, p.place(source.Pos{File: f.File})).add(faint, "  "+f.Kind).end()
			if i+1 == len(files) || len(files[i+1].Mistakes) > 0 {
				p.blank()
			}
			continue
		}
		mistakes += len(f.Mistakes)
		for i, m := range f.Mistakes {
			if i == maxMistakes && !o.All {
				p.paragraph(faint, fmt.Sprintf("%s has %d more mistakes; --all shows them", p.place(source.Pos{File: f.File}), len(f.Mistakes)-i))
				p.blank()
				break
			}
			pos, message := mistakeAt(f.File, m)
			e := p.entry(bad, "error")
			e.text(strong, message)
			e.placed(p.place(pos), "")
			e.end()
		}
	}
	text := fmt.Sprintf("%s: %d valid", count(len(files), "file"), valid)
	if valid < len(files) {
		text += fmt.Sprintf(", %d with %s", len(files)-valid, count(mistakes, "mistake"))
	}
	p.paragraph(plain, text)
	return p.w.Flush()
}

// mistakeAt divides a mistake into where it stands and what it says.
func mistakeAt(file string, m error) (source.Pos, string) {
	var at *source.Error
	if errors.As(m, &at) {
		return at.Pos, at.Err.Error()
	}
	return source.Pos{File: file}, m.Error()
}

type validatedJSON struct {
	File     string        `json:"file"`
	Kind     string        `json:"kind,omitempty"`
	Valid    bool          `json:"valid"`
	Mistakes []mistakeJSON `json:"mistakes"`
}

type mistakeJSON struct {
	Message string `json:"message"`
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
}

// ValidationJSON writes one JSON object: version and files, each with all its mistakes.
func ValidationJSON(w io.Writer, files []Validation, _ Options) error {
	s := newStream(w)
	s.raw(fmt.Sprintf("{\"version\": %d,\n ", jsonVersion))
	s.list(`"files": [`, "]}\n")
	for _, f := range files {
		j := validatedJSON{File: f.File, Kind: f.Kind, Valid: len(f.Mistakes) == 0, Mistakes: []mistakeJSON{}}
		for _, m := range f.Mistakes {
			pos, message := mistakeAt(f.File, m)
			j.Mistakes = append(j.Mistakes, mistakeJSON{message, pos.File, pos.Line, pos.Col})
		}
		s.element(j)
	}
	s.close()
	return s.w.Flush()
}
