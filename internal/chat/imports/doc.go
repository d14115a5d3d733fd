// Package imports reads conversations that other programs exported: ChatGPT,
// Open WebUI, LibreChat and GenU, and Kakoi's own exports.
//
// Open tells the format by the content. Conversations hands out one
// conversation after the other with the whole tree of its messages, holding
// no more than one of them in memory; Report says what was seen, taken and
// skipped, so that the counts add up. A conversation that cannot be read does
// not stop the others.
//
// The package knows no store: who calls it decides what to do with a
// conversation that was imported before, which ExternalID tells.
package imports
