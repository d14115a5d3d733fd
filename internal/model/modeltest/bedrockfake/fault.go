package bedrockfake

import (
	"strings"

	"kakoi/internal/model/modeltest/script"
)

// refusal returns the answer of a fault that comes instead of an answer, in the
// words that AWS uses. {model} stands for the model's id, {me} for the caller.
func (c *call) refusal(sc script.Script, model string) *Refusal {
	r := Refusal{RetryAfter: sc.RetryAfter}
	switch sc.Fault {
	case script.FaultThrottle:
		r.Status, r.Exception, r.Message = 429, "ThrottlingException", throttleTexts[sc.FaultForm]
	case script.FaultUnavailable:
		r.Status, r.Exception, r.Message = 503, "ServiceUnavailableException", "Bedrock is unable to process your request."
	case script.FaultFailure:
		r.Status, r.Exception, r.Message = 500, "InternalServerException", "The system encountered an unexpected error during processing. Try your request again."
	case script.FaultNotFound:
		r.Status, r.Exception, r.Message = 400, "ValidationException", "The provided model identifier is invalid."
	case script.FaultDenied:
		if sc.FaultForm == "form" {
			r.Status, r.Exception = 404, "ResourceNotFoundException"
			r.Message = "Model use case details have not been submitted for this account. Fill out the Anthropic use case details form before using the model. If you have already filled out the form, try again in 15 minutes."
			break
		}
		r.Status, r.Exception, r.Message = 403, "AccessDeniedException", deniedTexts[sc.FaultForm]
	case script.FaultCredentials:
		r = *credentialFaults[sc.FaultForm]
	case script.FaultInvalid:
		r.Status, r.Exception, r.Message = 400, "ValidationException", invalidTexts[sc.FaultForm]
	case script.FaultTooLong:
		if sc.FaultForm == "window" {
			return nil // shows in the stream, as its stop reason
		}
		r.Status, r.Exception, r.Message = 400, "ValidationException", tooLongTexts[sc.FaultForm]
	default:
		return nil
	}
	if r.Message == "" {
		r.Message = "The form " + sc.FaultForm + " of this fault is not known to the fake."
	}
	me := c.key.ARN
	if me == "" {
		me = DefaultKey.ARN
	}
	r.Message = strings.NewReplacer("{model}", model, "{me}", me).Replace(r.Message)
	return &r
}

const denial = "User: {me} is not authorized to perform: bedrock:InvokeModelWithResponseStream on resource: arn:aws:bedrock:"

var deniedTexts = map[string]string{
	"":            denial + "ap-northeast-3::foundation-model/{model} because no identity-based policy allows the bedrock:InvokeModelWithResponseStream action",
	"scp":         denial + "ap-northeast-3::foundation-model/{model} with an explicit deny in a service control policy",
	"scp-policy":  denial + "us-west-2::foundation-model/{model} with an explicit deny in a service control policy: arn:aws:organizations::444455556666:policy/o-abcdefghij/service_control_policy/p-12345678",
	"scp-allow":   denial + "ap-southeast-2::foundation-model/{model} because no service control policy allows the bedrock:InvokeModelWithResponseStream action",
	"global":      denial + "::foundation-model/{model} with an explicit deny in a service control policy",
	"endpoint":    denial + "ap-northeast-1::foundation-model/{model} because no VPC endpoint policy allows the bedrock:InvokeModelWithResponseStream action",
	"boundary":    denial + "ap-northeast-1::foundation-model/{model} because no permissions boundary allows the bedrock:InvokeModelWithResponseStream action",
	"session":     denial + "ap-northeast-1::foundation-model/{model} because no session policy allows the bedrock:InvokeModelWithResponseStream action",
	"model":       "You don't have access to the model with the specified model ID.",
	"marketplace": "Model access is denied due to IAM user or service role is not authorized to perform the required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe) to enable access to this model.",
}

var throttleTexts = map[string]string{
	"":       "Too many requests, please wait before trying again.",
	"tokens": "Too many tokens, please wait before trying again.",
	"day":    "Too many tokens per day, please wait before trying again.",
}

var credentialFaults = map[string]*Refusal{
	"":          {Status: 403, Exception: "UnrecognizedClientException", Message: "The security token included in the request is invalid."},
	"expired":   {Status: 403, Exception: "ExpiredTokenException", Message: "The security token included in the request is expired"},
	"signature": invalidSignature("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."),
	"apikey":    {Status: 403, Exception: "AccessDeniedException", Message: "Authentication failed: Please make sure your API Key is valid."},
}

var invalidTexts = map[string]string{
	"":         "Malformed input request, please reformat your input and try again.",
	"ondemand": "Invocation of model ID {model} with on-demand throughput isn\u2019t supported. Retry your request with the ID or ARN of an inference profile that contains this model.",
	"sampling": "The model returned the following errors: `temperature` is deprecated for this model.",
	"prefill":  "The model returned the following errors: This model does not support assistant message prefill. The conversation must end with a user message.",
	"filter":   "Output blocked by our content filters.",
	"echo":     "1 validation error detected: Value '[secret words of the prompt]' at 'messages.1.member.content' failed to satisfy constraint: Member must satisfy regular expression pattern",
}

var tooLongTexts = map[string]string{
	"":       "Input is too long for requested model.",
	"claude": "The model returned the following errors: prompt is too long: 215000 tokens > 200000 maximum",
	"count":  "Too many input tokens. Max input tokens: 8192, request input token count: 9000 ",
	"nova":   "Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again.",
}

// streamFaults are the exceptions inside a stream. Their names begin in lower
// case there.
var streamFaults = map[string][2]string{
	"":            {"internalServerException", "The system encountered an unexpected error during processing. Try your request again."},
	"throttling":  {"throttlingException", "Too many tokens, please wait before trying again."},
	"model":       {"modelStreamErrorException", "The model returned an error."},
	"validation":  {"validationException", "Input is too long for requested model."},
	"unavailable": {"serviceUnavailableException", "Bedrock is unable to process your request."},
	"unknown":     {"quantumFluxException", "Something new."},
}
