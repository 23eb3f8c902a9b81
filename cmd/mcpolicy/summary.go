package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mcpolicy/mcpolicy/report"
)

// isJobSummary reports whether a file is the one that GitHub Actions makes the
// job summary of. Other commands of the step write to it too, so reports are
// appended. Info is nil if there is no such file yet.
func isJobSummary(name string, info fs.FileInfo) bool {
	summary := os.Getenv("GITHUB_STEP_SUMMARY")
	if summary == "" {
		return false
	}
	there, err := os.Stat(summary) //nolint:gosec // it is only compared
	return err == nil && info != nil && os.SameFile(info, there) || filepath.Clean(name) == filepath.Clean(summary)
}

// appendSummary appends a report to the job summary. Markdown is cut to the
// room that is left: GitHub drops a summary that is too large as a whole.
func (o *output) appendSummary(t target, d *report.Document, options report.Options, info fs.FileInfo) error {
	room := report.JobSummaryLimit
	if info != nil {
		room -= int(min(info.Size(), report.JobSummaryLimit))
	}
	var buffer bytes.Buffer
	options = o.options(&buffer, options)
	options.MaxBytes = max(room, 1)
	if err := t.format.Write(&buffer, d, options); err != nil {
		return fmt.Errorf("write %s: %w", t.file, err)
	}
	if buffer.Len() > room {
		return fmt.Errorf("write %s: the job summary of this step has %d bytes left of %d, and the report needs %d", t.file, room, report.JobSummaryLimit, buffer.Len())
	}
	file, err := os.OpenFile(t.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // a summary is for others to read
	if err != nil {
		return fmt.Errorf("write %s: %w", t.file, errors.Unwrap(err))
	}
	_, err = file.Write(buffer.Bytes())
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", t.file, err)
	}
	return nil
}
