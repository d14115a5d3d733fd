package simulate

import (
	"maps"
	"slices"
)

// Actions that several operations need.
const (
	invokeModel       = "bedrock:InvokeModel"
	invokeModelStream = "bedrock:InvokeModelWithResponseStream"
	retrieve          = "bedrock:Retrieve"
	applyGuardrail    = "bedrock:ApplyGuardrail"
	bearerToken       = "bedrock:CallWithBearerToken"
)

// Services, by the names of their VPC endpoints.
const (
	bedrockRuntime = "bedrock-runtime"
	bedrockAgents  = "bedrock-agent-runtime"
	bedrockControl = "bedrock"
	sts            = "sts"
)

// need is a field of the call without which an operation is none.
type need string

const (
	needModel         need = "modelId"
	needGuardrail     need = "guardrailArn"
	needKnowledgeBase need = "knowledgeBaseArn"
	needAgent         need = "agentAliasArn"
	needInlineAgent   need = "inlineAgentName"
	needFlow          need = "flowAliasArn"
	needOutput        need = "outputS3Uri"
)

// operation is which actions an API operation is checked for, and on what
// ("Actions, resources, and condition keys for Amazon Bedrock").
type operation struct {
	service string
	// invoke is the action on the model and on everything a profile leads to.
	invoke string
	// action is what is checked besides, on resource of the call, or on "*".
	action   string
	resource need
	needs    []need
	// behind is set where models work that the call does not name.
	behind bool
	// silent is set where no prompt is processed.
	silent bool
}

var operations = map[string]operation{
	"Converse":                           {service: bedrockRuntime, invoke: invokeModel, needs: []need{needModel}},
	"ConverseStream":                     {service: bedrockRuntime, invoke: invokeModelStream, needs: []need{needModel}},
	"InvokeModel":                        {service: bedrockRuntime, invoke: invokeModel, needs: []need{needModel}},
	"InvokeModelWithResponseStream":      {service: bedrockRuntime, invoke: invokeModelStream, needs: []need{needModel}},
	"InvokeModelWithBidirectionalStream": {service: bedrockRuntime, invoke: invokeModel, needs: []need{needModel}},
	"StartAsyncInvoke":                   {service: bedrockRuntime, invoke: invokeModel, needs: []need{needModel, needOutput}},
	"GetAsyncInvoke":                     {service: bedrockRuntime, action: "bedrock:GetAsyncInvoke", resource: asyncInvoke, silent: true},
	"ListAsyncInvokes":                   {service: bedrockRuntime, action: "bedrock:ListAsyncInvokes", silent: true},
	"CountTokens":                        {service: bedrockRuntime, action: "bedrock:CountTokens", resource: needModel, needs: []need{needModel}},
	"ApplyGuardrail":                     {service: bedrockRuntime, needs: []need{needGuardrail}},
	"Rerank":                             {service: bedrockAgents, invoke: invokeModel, action: "bedrock:Rerank", needs: []need{needModel}},
	"Retrieve":                           {service: bedrockAgents, action: retrieve, resource: needKnowledgeBase, needs: []need{needKnowledgeBase}, behind: true},
	"RetrieveAndGenerate":                {service: bedrockAgents, invoke: invokeModel, action: "bedrock:RetrieveAndGenerate", needs: []need{needModel, needKnowledgeBase}, behind: true},
	"RetrieveAndGenerateStream":          {service: bedrockAgents, invoke: invokeModel, action: "bedrock:RetrieveAndGenerate", needs: []need{needModel, needKnowledgeBase}, behind: true},
	"InvokeAgent":                        {service: bedrockAgents, action: "bedrock:InvokeAgent", resource: needAgent, needs: []need{needAgent}, behind: true},
	"InvokeInlineAgent":                  {service: bedrockAgents, action: "bedrock:InvokeInlineAgent", needs: []need{needInlineAgent}, behind: true},
	"InvokeFlow":                         {service: bedrockAgents, action: "bedrock:InvokeFlow", resource: needFlow, needs: []need{needFlow}, behind: true},
	"OptimizePrompt":                     {service: bedrockAgents, action: "bedrock:OptimizePrompt", behind: true},
	"ListFoundationModels":               {service: bedrockControl, action: "bedrock:ListFoundationModels", silent: true},
	"ListInferenceProfiles":              {service: bedrockControl, action: "bedrock:ListInferenceProfiles", silent: true},
}

// asyncInvoke stands for the jobs of StartAsyncInvoke, whose names nobody knows
// before.
const asyncInvoke need = "asyncInvoke"

// Operations returns the names of the operations that can be simulated.
func Operations() []string { return slices.Sorted(maps.Keys(operations)) }

// Service returns the service that offers an operation, by the name of its VPC
// endpoint, or "" for an operation that there is not.
func Service(operation string) string { return operations[operation].service }

func (c Call) field(n need) string {
	return map[need]string{
		needModel: c.ModelID, needGuardrail: c.GuardrailARN, needKnowledgeBase: c.KnowledgeBaseARN, needAgent: c.AgentAliasARN,
		needInlineAgent: c.InlineAgentName, needFlow: c.FlowAliasARN, needOutput: c.OutputS3URI,
	}[n]
}
