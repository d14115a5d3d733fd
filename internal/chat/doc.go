// Package chat keeps conversations and runs their turns.
//
// A turn is a run on the server, not a request of the browser. The person's
// message is stored before the model is called; the answer grows in memory,
// where every reader of this node follows it, and is written to the store in
// segments about twice a second. Readers address what they have by part and
// byte offset, so they may leave, come back, join late or ask another node, and
// are never told anything twice or not at all. However a run ends, by its
// model, by its person, by an error or by the death of its process, what was
// said is kept in its message together with the reason.
package chat
