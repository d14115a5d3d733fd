// Package spreadsheet writes tables as files that spreadsheets open as they are:
// CSV in UTF-8 with a byte order mark, and no cell that one of them could take
// for a formula.
package spreadsheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

// Writer writes a table row by row.
type Writer struct{ out *csv.Writer }

// NewWriter begins a table with its headings.
func NewWriter(w io.Writer, headings []string) (*Writer, error) {
	if _, err := io.WriteString(w, "\uFEFF"); err != nil {
		return nil, fmt.Errorf("write a table: %w", err)
	}
	out := &Writer{csv.NewWriter(w)}
	out.out.UseCRLF = true
	return out, out.Write(headings)
}

// Write adds a row.
func (w *Writer) Write(row []string) error {
	cells := make([]string, len(row))
	for i, cell := range row {
		cells[i] = inert(cell)
	}
	if err := w.out.Write(cells); err != nil {
		return fmt.Errorf("write a table: %w", err)
	}
	return nil
}

// Flush writes what is still held back.
func (w *Writer) Flush() error {
	w.out.Flush()
	if err := w.out.Error(); err != nil {
		return fmt.Errorf("write a table: %w", err)
	}
	return nil
}

// inert keeps a spreadsheet from running a cell: what begins like a formula,
// also after space or in full width, gets the apostrophe that marks text.
func inert(cell string) string {
	if strings.ContainsAny(cell[:min(1, len(cell))], "\t\r\n") {
		return "'" + cell
	}
	start := strings.TrimSpace(cell)
	for _, sign := range []string{"=", "+", "-", "@", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(start, sign) {
			return "'" + cell
		}
	}
	return cell
}
