// Package media turns speech into text: it looks at what a recording is and how
// long it lasts, chooses the model and hands the words back. No recording is
// ever stored.
package media
