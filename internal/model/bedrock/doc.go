// Package bedrock speaks to Amazon Bedrock with the official AWS SDK: answers
// through ConverseStream, the list of models through the control plane, and the
// caller's identity through STS. SDK types do not leave it.
//
// The SDK's configuration and credentials are resolved once, in New; the SDK
// caches and refreshes the credentials from then on. Every connection, those of
// the credential providers included, goes through the HTTP client handed in.
// The SDK makes one attempt per call: retrying is for the caller, who knows
// whether anything was shown already.
//
// # What is sent
//
// Consecutive messages of one speaker are joined, since Bedrock demands that the
// speakers alternate; assistant messages before the first user message are left
// out, since it demands that the user begins; blank text is left out. Documents
// travel under neutral names ("document-1"), because the model reads the names
// and a file name is text that a stranger may have chosen. Reasoning is sent
// back only where it is signed: that of an answer which waits for its tools, as
// long as the model goes on thinking, and all of it with Options.ReplayReasoning. A
// temperature above 1, which Bedrock does not take, is sent as 1.
//
// Reasoning effort becomes, by Options.Reasoning or by what is known of the
// model id:
//
//	claude-budget  thinking {enabled, budget_tokens}: 2,048, 8,192 or 24,576
//	               tokens, added to the output limit and fitted below the model's
//	               own; temperature and top-p are then not sent
//	claude-effort  thinking {adaptive, summarized} and output_config.effort
//	nova           reasoningConfig {enabled, maxReasoningEffort}; for high,
//	               which takes no limits, neither sampling nor the output limit
//	openai         reasoning_effort
//	none           nothing
//
// Where Claude refuses to think, because it must use a tool or because it began
// the answer without, nothing is sent.
//
// A model that does not stream, or not when it may use tools, is asked for a
// whole answer with Converse. Bedrock's refusal is what tells, once for each
// model; its list of models and Options.Streaming tell it beforehand.
//
// Uses of tools keep their ids, but for those of other providers that Bedrock
// does not take. A conversation with uses and no tool on offer names those that
// were used, since Bedrock demands a list.
//
// An effort of "none" sends nothing: on Bedrock, thinking is off unless asked
// for, and newer models refuse to be told so.
package bedrock
