package bedrock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/errs/errstest"
)

const (
	who    = "User: arn:aws:sts::222233334444:assumed-role/kakoi-bedrock/kakoi is not authorized to perform: "
	stream = who + "bedrock:InvokeModelWithResponseStream on resource: arn:aws:bedrock:"
	haiku  = "foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0"
)

// What AWS has been seen to say, and what becomes of it. A reason that has no
// words of its own is told in those of its code.
func TestWhatAWSSaysBecomesACodeAndAReason(t *testing.T) {
	for _, tt := range []struct {
		status    int
		exception string
		message   string
		code      errs.Code
		reason    string
		region    string
	}{
		// Policies.
		{403, "AccessDeniedException", stream + "ap-northeast-3::" + haiku + " with an explicit deny in a service control policy", errs.ModelAccessDenied, "service_control_policy", "ap-northeast-3"},
		{403, "AccessDeniedException", stream + "ap-northeast-3::" + haiku + " with an explicit deny in a service control policy: arn:aws:organizations::333344445555:policy/o-abc/service_control_policy/p-abc", errs.ModelAccessDenied, "service_control_policy", "ap-northeast-3"},
		{403, "AccessDeniedException", stream + "::" + haiku + " with an explicit deny in a service control policy", errs.ModelAccessDenied, "service_control_policy", "global"},
		{403, "AccessDeniedException", stream + "ap-southeast-2::" + haiku + " because no service control policy allows the bedrock:InvokeModelWithResponseStream action", errs.ModelAccessDenied, "service_control_policy", "ap-southeast-2"},
		{403, "AccessDeniedException", stream + "ap-northeast-1::" + haiku + " with an explicit deny in a resource control policy", errs.ModelAccessDenied, "resource_control_policy", "ap-northeast-1"},
		{403, "AccessDeniedException", stream + "ap-northeast-1::" + haiku + " because no VPC endpoint policy allows the bedrock:InvokeModelWithResponseStream action", errs.ModelAccessDenied, "vpc_endpoint_policy", "ap-northeast-1"},
		{403, "AccessDeniedException", stream + "ap-northeast-1::" + haiku + " with an explicit deny in a VPC endpoint policy", errs.ModelAccessDenied, "vpc_endpoint_policy", "ap-northeast-1"},
		{403, "AccessDeniedException", stream + "ap-northeast-1::" + haiku + " because no permissions boundary allows the bedrock:InvokeModelWithResponseStream action", errs.ModelAccessDenied, "permissions_boundary", "ap-northeast-1"},
		{403, "AccessDeniedException", stream + "ap-northeast-1::" + haiku + " because no session policy allows the bedrock:InvokeModelWithResponseStream action", errs.ModelAccessDenied, "session_policy", "ap-northeast-1"},
		{403, "AccessDeniedException", stream + "ap-northeast-1::" + haiku + " with an explicit deny in an identity-based policy", errs.ModelAccessDenied, "identity_deny", "ap-northeast-1"},
		{403, "AccessDeniedException", stream + "ap-northeast-3::" + haiku + " because no identity-based policy allows the bedrock:InvokeModelWithResponseStream action", errs.ModelAccessDenied, "identity_policy", "ap-northeast-3"},
		{403, "AccessDeniedException", who + "bedrock:ApplyGuardrail on resource: arn:aws:bedrock:ap-northeast-1:222233334444:guardrail/abcd because no identity-based policy allows the bedrock:ApplyGuardrail action", errs.ModelAccessDenied, "identity_policy", "ap-northeast-1"},
		{403, "AccessDeniedException", stream + "ap-northeast-1::" + haiku + " because no resource-based policy allows the bedrock:InvokeModelWithResponseStream action", errs.ModelAccessDenied, "resource_policy", "ap-northeast-1"},
		{403, "AccessDeniedException", stream + "ap-northeast-1::" + haiku, errs.ModelAccessDenied, "policy", "ap-northeast-1"},
		// Access to models.
		{403, "AccessDeniedException", "You don't have access to the model with the specified model ID.", errs.ModelAccessDenied, "model_access", ""},
		{403, "AccessDeniedException", "Your account does not have an agreement to this model.", errs.ModelAccessDenied, "model_access", ""},
		{403, "AccessDeniedException", "Model access is denied due to IAM user or service role is not authorized to perform the required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe) to enable access to this model. Refer to the Amazon Bedrock documentation for further details. Your AWS Marketplace subscription for this model cannot be completed at this time. If you recently fixed this issue, try again after 5 minutes.", errs.ModelAccessDenied, "marketplace", ""},
		{403, "AccessDeniedException", "Model access is denied due to INVALID_PAYMENT_INSTRUMENT:A valid payment instrument must be provided.. Your AWS Marketplace subscription for this model cannot be completed at this time.", errs.ModelAccessDenied, "payment", ""},
		{404, "ResourceNotFoundException", "Model use case details have not been submitted for this account. Fill out the Anthropic use case details form before using the model. If you have already filled out the form, try again in 15 minutes.", errs.ModelAccessDenied, "use_case_form", ""},
		{403, "AccessDeniedException", "anthropic.claude-opus-4-8 is not available for this account. You can explore other available models on Amazon Bedrock. For additional access options, contact AWS Sales.", errs.ModelAccessDenied, "sales", ""},
		{403, "AccessDeniedException", "Your account is not authorized to invoke this API operation.", errs.ModelAccessDenied, "account", ""},
		{400, "ValidationException", "Operation not allowed", errs.ModelAccessDenied, "account", ""},
		{400, "ValidationException", "Access to Anthropic models is not allowed from unsupported countries, regions, or territories.", errs.ModelAccessDenied, "country", ""},
		{404, "ResourceNotFoundException", "This model version has reached the end of its life. Please refer to the AWS documentation for more details.", errs.ModelNotFound, "retired", ""},
		{404, "ResourceNotFoundException", "Access denied. This Model is marked by provider as Legacy and you have not been actively using the model in the last 30 days. Please upgrade to an active model on Amazon Bedrock", errs.ModelNotFound, "retired", ""},
		{400, "ValidationException", "Invocation of model ID anthropic.claude-haiku-4-5-20251001-v1:0 with on-demand throughput isn\u2019t supported. Retry your request with the ID or ARN of an inference profile that contains this model.", errs.ModelInvalidRequest, "needs_inference_profile", ""},
		{400, "ValidationException", "The provided model identifier is invalid.", errs.ModelNotFound, "model_id", ""},
		{404, "ResourceNotFoundException", "Could not resolve the foundation model from the provided model identifier.", errs.ModelNotFound, "model_id", ""},
		{400, "ValidationException", "This action doesn't support the model that you provided. Try again with a supported text or chat model.", errs.ModelInvalidRequest, "not_chat", ""},
		// Too much.
		{429, "ThrottlingException", "Too many requests, please wait before trying again.", errs.ModelThrottled, "requests", ""},
		{429, "ThrottlingException", "Too many tokens, please wait before trying again.", errs.ModelThrottled, "tokens", ""},
		{429, "ThrottlingException", "Too many tokens per day, please wait before trying again.", errs.ModelThrottled, "daily_tokens", ""},
		{400, "ServiceQuotaExceededException", "Your request exceeds the service quota for your account.", errs.ModelThrottled, "quota", ""},
		{429, "ModelNotReadyException", "Model is not ready for inference. Please wait and try your request again.", errs.ModelThrottled, "starting", ""},
		{0, "throttlingException", "Too many tokens, please wait before trying again.", errs.ModelThrottled, "tokens", ""},
		{400, "ValidationException", "Input is too long for requested model.", errs.ModelContextTooLong, "", ""},
		{400, "ValidationException", "The model returned the following errors: input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000, decrease input length or `max_tokens` and try again", errs.ModelContextTooLong, "", ""},
		{400, "ValidationException", "The maximum tokens you requested exceeds the model limit of 4096. Try again with a maximum tokens value that is lower than 4096.", errs.ModelInvalidRequest, "max_tokens", ""},
		// Guardrails and filters.
		{400, "ValidationException", "The guardrail identifier or version provided in the request does not exist.", errs.ModelInvalidRequest, "guardrail", ""},
		{404, "ResourceNotFoundException", "Guardrail was not found.", errs.ModelInvalidRequest, "guardrail", ""},
		{400, "ValidationException", "Output blocked by content filtering policy", errs.ModelRefused, "content_filter", ""},
		// Forms.
		{400, "ValidationException", "This model doesn't support tool use.", errs.ModelInput, "no_tools", ""},
		{400, "ValidationException", "This model doesn't support the toolConfig.toolChoice.any field. Remove toolConfig.toolChoice.any and try again.", errs.ModelInvalidRequest, "tool_choice", ""},
		{400, "ValidationException", "Expected toolResult blocks at messages.2.content for the following Ids: tooluse_abc", errs.ModelInvalidRequest, "tool_turns", ""},
		{400, "ValidationException", "The number of toolResult blocks at messages.4.content exceeds the number of toolUse blocks of previous turn.", errs.ModelInvalidRequest, "tool_turns", ""},
		{0, "validationException", "The model returned the following errors: messages.48: Did not find 1 tool_result block(s) at the beginning of this message. Messages following tool_use blocks must begin with a matching number of tool_result blocks.", errs.ModelInvalidRequest, "tool_turns", ""},
		{400, "ValidationException", "messages.4.content: Conversation blocks and tool result blocks cannot be provided in the same turn.", errs.ModelInvalidRequest, "tool_turns", ""},
		{400, "ValidationException", "The model returned the following errors: messages.1.content.0: Invalid `signature` in `thinking` block", errs.ModelInvalidRequest, "reasoning_signature", ""},
		{400, "ValidationException", "The model returned the following errors: messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final `assistant` message must start with a thinking block.", errs.ModelInvalidRequest, "reasoning_signature", ""},
		{403, "AccessDeniedException", "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information.", errs.ModelInvalidRequest, "caching", ""},
		{400, "ValidationException", "Latency performance configuration is not supported for this model.", errs.ModelInvalidRequest, "latency", ""},
		{400, "ValidationException", "This model doesn't support the system field. Remove system and try again.", errs.ModelInvalidRequest, "system", ""},
		{400, "ValidationException", "The model returned the following errors: `temperature` is deprecated for this model.", errs.ModelInvalidRequest, "sampling", ""},
		{400, "ValidationException", "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.", errs.ModelInvalidRequest, "validation", ""},
		{400, "ValidationException", "This model doesn't support the image content block that you provided. Remove the image and try again.", errs.ModelInput, "no_vision", ""},
		{400, "ValidationException", "The model returned the following errors: messages.0.content.1.image.source.base64.data: At least one of the image dimensions exceed max allowed size: 8000 pixels", errs.ModelInput, "image_size", ""},
		{400, "ValidationException", "The model returned the following errors: messages.0.content.0.image.source.base64: image exceeds 5 MB maximum: 6000000 bytes > 5242880 bytes", errs.ModelInput, "image_size", ""},
		{400, "ValidationException", "The model returned the following errors: The PDF specified was not valid.", errs.ModelInput, "document", ""},
		{400, "ValidationException", "The model returned the following errors: A maximum of 100 PDF pages may be provided.", errs.ModelInput, "document", ""},
		// Credentials and clocks.
		{403, "ExpiredTokenException", "The security token included in the request is expired", errs.ModelCredentials, "expired", ""},
		{403, "UnrecognizedClientException", "The security token included in the request is invalid.", errs.ModelCredentials, "unknown_key", ""},
		{403, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.", errs.ModelCredentials, "signature", ""},
		{403, "InvalidSignatureException", "Signature expired: 20261122T200000Z is now earlier than 20261122T201500Z (20261122T202000Z - 5 min.)", errs.ModelCredentials, "clock", ""},
		{403, "InvalidSignatureException", "Signature not yet current: 20261122T203000Z is still later than 20261122T202500Z", errs.ModelCredentials, "clock", ""},
		{403, "InvalidSignatureException", "Credential should be scoped to a valid region.", errs.ModelCredentials, "region", ""},
		{403, "AccessDeniedException", "Bearer Token has expired", errs.ModelCredentials, "expired", ""},
		{403, "AccessDeniedException", "Authentication failed: Please make sure your API Key is valid.", errs.ModelCredentials, "api_key", ""},
		{403, "MissingAuthenticationTokenException", "Missing Authentication Token", errs.ModelCredentials, "missing", ""},
		// AWS itself.
		{408, "ModelTimeoutException", "Model has timed out in processing the request. Try your request again.", errs.ModelTimeout, "upstream", ""},
		{424, "ModelErrorException", "The system encountered an unexpected error during processing. Try your request again.", errs.ModelFailed, "model", ""},
		{0, "modelStreamErrorException", "The model returned an error.", errs.ModelFailed, "stream", ""},
		{500, "InternalServerException", "The system encountered an unexpected error during processing. Try your request again.", errs.ModelFailed, "internal", ""},
		{503, "ServiceUnavailableException", "Bedrock is unable to process your request.", errs.ModelFailed, "unavailable", ""},
		{503, "ServiceUnavailableException", "Too many connections, please wait before trying again.", errs.ModelFailed, "unavailable", ""},
		{404, "UnknownOperationException", "", errs.ModelInvalidRequest, "endpoint", ""},
	} {
		var e *errs.Error
		if err := apply(&upstream{exception: tt.exception, status: tt.status, message: tt.message}); !errors.As(err, &e) {
			t.Fatal(err)
		}
		if e.Code != tt.code || e.Params["reason"] != tt.reason || e.Params["region"] != tt.region {
			t.Errorf("%s: %s\n\tis %s (%s) in %q, want %s (%s) in %q", tt.exception, tt.message, e.Code, e.Params["reason"], e.Params["region"], tt.code, tt.reason, tt.region)
		}
		if strings.ContainsAny(e.Message, "{}") {
			t.Errorf("message %q", e.Message)
		}
	}
}

// inOwnWords are the reasons of a code that are told in the words of the code.
var inOwnWords = map[errs.Code][]string{
	errs.ModelAccessDenied:   {"denied", "status"},
	errs.ModelCredentials:    {"status", "role_endpoint_policy", "role_caller"},
	errs.ModelInput:          {"empty", "count_tokens", "mask"},
	errs.ModelInvalidRequest: {"validation", "status", "unknown_form"},
	errs.ModelNotFound:       {"model_id"},
	errs.ModelThrottled:      {"requests", "status"},
	errs.ModelRefused:        {"content_filter"},
	errs.ModelTimeout:        {"upstream", "status"},
	errs.ModelFailed:         {"stream", "model", "internal", "unknown", "status", "malformed_model_output", "answer", "vectors", "images"},
	errs.ModelUnreachable:    {"connection", "status"},
}

// told are the reasons that are given outside of the table of rules.
var told = map[errs.Code][]string{
	errs.ModelCredentials: {"none", "source", "configuration", "role", "role_denied", "role_scp", "role_endpoint", "role_tags", "role_source", "role_region", "expired"},
	errs.ModelInput:       {"no_vision", "no_documents", "no_video", "no_tools", "media_type", "file_too_large", "empty_file", "empty", "too_many_images", "too_many_documents", "too_many_videos"},
	errs.ModelFailed:      {"malformed_tool_use", "malformed_model_output"},
	errs.ModelUnreachable: {"dns", "refused", "route", "timeout", "tls_authority", "tls_name", "tls", "sts", "connection", "proxy", "proxy_password", "proxy_scheme", "proxy_denied"},
}

func TestEveryReasonHasItsWordsInBothLanguages(t *testing.T) {
	locales := errstest.Locales(t)
	given := map[errs.Code]map[string]bool{}
	give := func(code errs.Code, reason string) {
		if given[code] == nil {
			given[code] = map[string]bool{}
		}
		given[code][reason] = reason != ""
	}
	for _, r := range rules {
		give(r.code, r.reason)
	}
	for code, reasons := range told {
		for _, reason := range reasons {
			give(code, reason)
		}
	}
	general := map[errs.Code]map[string]bool{}
	for code, reasons := range inOwnWords {
		general[code] = map[string]bool{}
		for _, reason := range reasons {
			general[code][reason] = true
		}
	}
	for code, reasons := range given {
		for reason, named := range reasons {
			for language, texts := range locales {
				w := texts[code].Reasons[reason]
				if has := w.What != "" && w.Todo != ""; named && has == general[code][reason] {
					t.Errorf("%s (%s) in %s: has words of its own %t, told in those of its code %t", code, reason, language, has, general[code][reason])
				}
			}
		}
	}
	others := everySource(t)
	for language, texts := range locales {
		for code, text := range texts {
			for reason := range text.Reasons {
				if !given[code][reason] && !strings.Contains(others, strconv.Quote(reason)) {
					t.Errorf("%s explains %s (%s), which nothing gives", language, code, reason)
				}
			}
		}
	}
	// What is given in the source and stands in neither list.
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	literal := regexp.MustCompile(`(?:With\("reason", |reason(?:, message)?(?:, host)? (?::?=) |reason: )"([a-z_]*[a-z])"`)
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range literal.FindAllStringSubmatch(string(b), -1) {
			known := false
			found++
			for code := range given {
				known = known || given[code][m[1]] || general[code][m[1]]
			}
			if !known {
				t.Errorf("%s gives the reason %s, which stands in no list", file, m[1])
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d reasons were found in the source", found)
	}
}

// everySource is all that could give a reason: the Go code of the program.
func everySource(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
