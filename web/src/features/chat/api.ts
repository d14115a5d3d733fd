import { type InfiniteData, infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import { ApiError, fromResponse } from "@/lib/api/error";
import type { Schemas } from "@/lib/api/types";
import type { Confidentiality } from "@/lib/confidentiality";
import { download } from "@/features/history/download";

export type { Parameters } from "@/lib/api/types";

/** A conversation with what was chosen for it. */
export type Conversation = Schemas["Conversation"];
export type ConversationSummary = Schemas["ConversationSummary"];

/** What one speaker said in one turn. */
export type Message = Schemas["Message"];
export type Part = Message["parts"][number];
export type TextPart = Schemas["TextPart"];
export type FilePart = Schemas["FilePart"];
export type MessagePage = Schemas["MessagePage"];
export type Attachment = Schemas["Attachment"];

/** What a person sends. clientId makes sending it twice the same as once. */
export type Turn = Schemas["Turn"];

/** What is chosen for a conversation. */
export type Choice = Pick<Conversation, "modelId" | "parameters" | "systemPrompt"> & { class?: Confidentiality | undefined };

/** What began by sending, going on or trying again. */
export type Started = Schemas["Started"];

/** How many messages come at once; the newest first page fills several screens. */
export const pageSize = 40;
/** More than a screen shows, and few enough to be there at once. */
const firstPageSize = 10;

/** All lists of conversations, for invalidating them together. */
export const conversationsKey = ["conversations"] as const;

/** The person's conversations, by last activity. */
export const conversationsQuery = infiniteQueryOptions({
  queryKey: [...conversationsKey, "list"],
  queryFn: ({ pageParam, signal }) =>
    unwrap(api.GET("/conversations", { params: { query: { limit: 50, ...(pageParam && { pageToken: pageParam }) } }, signal })),
  initialPageParam: "",
  getNextPageParam: (page) => page.nextPageToken || undefined,
});

/** One conversation, without its messages. */
export const conversationQuery = (id: string) =>
  queryOptions({
    queryKey: ["conversation", id],
    queryFn: ({ signal }) => unwrap(api.GET("/conversations/{id}", { params: { path: { id } }, signal })),
  });

const fetchMessages = (id: string, query: { before?: string; limit?: number }, signal?: AbortSignal) =>
  unwrap(api.GET("/conversations/{id}/messages", { params: { path: { id }, query }, ...(signal && { signal }) }));

/** The messages of a conversation: the newest page first, older ones on demand. */
export const messagesQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["messages", id],
    queryFn: ({ pageParam, signal }) => fetchMessages(id, pageParam ? { limit: pageSize, before: pageParam } : { limit: firstPageSize }, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.previousPageToken || undefined,
    // Kept true by streams and events; a refetch of every loaded page would be waste.
    staleTime: Number.POSITIVE_INFINITY,
  });

export type MessagesData = InfiniteData<MessagePage, unknown>;

/** The newest few messages, to bring a loaded conversation up to date. */
export const newestMessages = (id: string, limit: number) => fetchMessages(id, { limit });

export const startConversation = (body: Choice & { turn: Turn }) => unwrap(api.POST("/conversations", { body }));

export const sendTurn = (id: string, body: Schemas["NewTurn"]) => unwrap(api.POST("/conversations/{id}/turns", { params: { path: { id } }, body }));

export const continueAnswer = (id: string, messageId: string) => unwrap(api.POST("/conversations/{id}/continue", { params: { path: { id } }, body: { messageId } }));

export const retryAnswer = (id: string, messageId: string) => unwrap(api.POST("/conversations/{id}/retry", { params: { path: { id } }, body: { messageId } }));

/** Gives a message other words, on a branch of its own. */
export const editMessage = (id: string, messageId: string, body: Schemas["EditedMessage"]) =>
  unwrap(api.POST("/conversations/{id}/messages/{messageId}/edit", { params: { path: { id, messageId } }, body }));

/** Asks for another answer, from the conversation's model or the one named. */
export const regenerateAnswer = (id: string, messageId: string, body: Schemas["AnotherAnswer"]) =>
  unwrap(api.POST("/conversations/{id}/messages/{messageId}/regenerate", { params: { path: { id, messageId } }, body }));

export const openBranch = (id: string, messageId: string) => unwrap(api.PUT("/conversations/{id}/branch", { params: { path: { id } }, body: { messageId } }));

export const forkConversation = (id: string, messageId: string, branches: "path" | "all") =>
  unwrap(api.POST("/conversations/{id}/fork", { params: { path: { id } }, body: { messageId, branches } }));

export const changeQueued = (id: string, queuedId: string, text: string) =>
  unwrap(api.PATCH("/conversations/{id}/queue/{queuedId}", { params: { path: { id, queuedId } }, body: { text } }));

export const removeQueued = (id: string, queuedId: string) => unwrap(api.DELETE("/conversations/{id}/queue/{queuedId}", { params: { path: { id, queuedId } } }));

export const sendQueued = (id: string) => unwrap(api.POST("/conversations/{id}/queue/send", { params: { path: { id } } }));

/** How full the model's context is; read anew when the branch, its end or the model is another. */
export const contextQuery = (id: string, state: string) =>
  queryOptions({
    queryKey: ["context", id, state],
    queryFn: ({ signal }) => unwrap(api.GET("/conversations/{id}/context", { params: { path: { id } }, signal })),
  });

export const summarise = (id: string) => unwrap(api.POST("/conversations/{id}/summary", { params: { path: { id } } }));

export const forgetSummary = (id: string) => unwrap(api.DELETE("/conversations/{id}/summary", { params: { path: { id } } }));

/** What a person thinks of an answer. */
export type Opinion = Schemas["Opinion"];

export const giveFeedback = (messageId: string, body: Opinion) => unwrap(api.PUT("/messages/{id}/feedback", { params: { path: { id: messageId } }, body }));

export const withdrawFeedback = (messageId: string) => unwrap(api.DELETE("/messages/{id}/feedback", { params: { path: { id: messageId } } }));

export type QueuedTurn = Schemas["QueuedTurn"];
export type Gauge = Schemas["Gauge"];

export const stopRun = (id: string) => unwrap(api.POST("/runs/{id}/stop", { params: { path: { id } } }));

export const updateConversation = (id: string, body: Partial<Choice> & { title?: string }) =>
  unwrap(api.PATCH("/conversations/{id}", { params: { path: { id } }, body }));

export const deleteConversation = (id: string) => unwrap(api.DELETE("/conversations/{id}", { params: { path: { id } } }));

export const deleteAttachment = (id: string) => unwrap(api.DELETE("/attachments/{id}", { params: { path: { id } } }));

export const attachmentUrl = (id: string) => `/api/v1/attachments/${encodeURIComponent(id)}/content`;

export const runUrl = (id: string) => `/api/v1/runs/${encodeURIComponent(id)}/events`;

/** Hands the tables of an answer to the person as a workbook. */
export const saveTables = (messageId: string) => download(`/messages/${encodeURIComponent(messageId)}/tables?format=xlsx`, {}, "kakoi.xlsx");

/** Where turns of conversations that are not kept are answered. */
export const temporaryUrl = "/api/v1/temporary/turns";

export const eventsUrl = "/api/v1/events";

/** What was said in a recording; empty when nothing was heard. */
export async function transcribe(sound: Blob, query: { modelId: string; language: string }, signal: AbortSignal): Promise<string> {
  const { text } = await unwrap(
    api.POST("/transcriptions", {
      params: { query, header: { "Content-Type": sound.type } },
      // The types describe a body of bytes as text.
      body: sound as unknown as string,
      bodySerializer: (body) => body as unknown as Blob,
      headers: { "Content-Type": sound.type },
      signal,
    }),
  );
  return text;
}

/** Sends a file; `onProgress` hears the share that has left. XHR, because fetch cannot say. */
export function uploadAttachment(file: File, onProgress: (share: number) => void, signal: AbortSignal): Promise<Attachment> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener("abort", abort);
    request.open("POST", `/api/v1/attachments?name=${encodeURIComponent(file.name.normalize("NFC"))}`);
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.responseType = "json";
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(request.response as Attachment);
      else {
        const id = request.getResponseHeader("X-Request-Id");
        reject(fromResponse(new Response(null, { status: request.status, headers: id ? { "X-Request-Id": id } : {} }), request.response));
      }
    };
    request.onerror = () => reject(new ApiError({ code: "unreachable" }));
    request.onabort = () => reject(new DOMException("aborted", "AbortError"));
    request.onloadend = () => signal.removeEventListener("abort", abort);
    request.send(file);
  });
}
