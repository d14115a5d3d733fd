// Package textfile reads text files as offices have them: it finds the
// character set by the bytes, turns the text into UTF-8, says which kind of
// text it is, and refuses with a clear word what is no text at all.
//
// The Japanese sets that came before Unicode are told apart without a mark in
// the file, so Decode reads the bytes in each and takes the more plausible
// reading. The measure and its numbers are in guess.go.
package textfile
