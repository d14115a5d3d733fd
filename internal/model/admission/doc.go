// Package admission decides when a call of a model may go out: how many answers
// there may be at once, how many calls and tokens in a minute, who is next where
// more is asked than may be given, and what the provider's refusals have taught.
package admission
