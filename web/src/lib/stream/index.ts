export { type AnswerStreamOptions, streamAnswer } from "./answer-stream";
export { type FollowOptions, type LinkState, type Verdict, followEventStream, readEvents } from "./event-stream";
export type { Cost, Failure, LinePlace, RunMetadata, RunStatus, TextKind, Usage } from "./run-events";
export { type RunLink, type RunStream, type RunStreamOptions, type RunView, openRunStream } from "./run-stream";
export type { RunSnapshot, TextPart } from "./run-transcript";
