// Package openai speaks the chat completions protocol of OpenAI, as llama.cpp,
// Ollama, vLLM, LM Studio, TGI and many gateways serve it.
//
// # When an answer is complete
//
// Servers and the proxies before them differ in how they end a stream, and some
// end a broken one as if it were whole. An answer counts as complete when a
// finish_reason came and the body then ended cleanly: with [DONE], as the
// protocol has it, or without, as some servers do. The finish_reason is what
// the model server itself says about the end; [DONE] alone is not enough,
// because gateways write it after an upstream that died. Everything else is
// errs.ModelBrokeOff.
package openai
