// Package library keeps prompts: texts that people write once and use often,
// as instructions of a conversation or as messages, with variables to fill in,
// versions, a slash command, and whom they are shared with. Prompts without an
// owner are official: administrators edit them, and a starter set of them
// comes with the program.
package library
