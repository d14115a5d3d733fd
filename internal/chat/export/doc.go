// Package export writes conversations as files that people keep and pass on:
// Markdown, HTML, Word, PDF, our own lossless JSON, and the tables of an answer
// for a spreadsheet.
//
// It is pure: what to write comes in as a [Document], what was written goes out
// through an io.Writer. Answers are Markdown and are drawn; what a person wrote
// is shown as it was typed. Nothing in a text becomes markup of the file, a
// formula of a spreadsheet or a link to anything but the web and mail.
//
// The readable formats show the open branch of a conversation. Only JSON keeps
// every branch.
package export
