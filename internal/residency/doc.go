// Package residency knows where what is sent to a model may be processed, and
// decides whether it may go there.
//
// Where is known from data, never guessed from a name: an inference profile of
// Amazon Bedrock leads to the regions that the data lists for it and for the
// region that is called. What the data does not know is not permitted. The
// data is part of the program (profiles.json), can be replaced by a file, and
// grows by what Bedrock itself lists.
package residency
