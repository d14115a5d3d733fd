// Package openai speaks the chat completions protocol of OpenAI, as llama.cpp,
// Ollama, vLLM, LM Studio, TGI and many gateways serve it.
//
// # When an answer is complete
//
// Servers and the proxies before them differ in how they end a stream, and some
// end a broken one as if it were whole. The end mark that counts is the
// finish_reason: it is what the model server itself says about the end. What
// comes after it, the usage and [DONE], may be missing; then the usage is
// estimated and the log says so. [DONE] alone is not enough, because gateways
// write it after an upstream that died, and neither is the end of the body.
// Without a finish_reason, every end is errs.ModelBrokeOff or a more exact code.
package openai
