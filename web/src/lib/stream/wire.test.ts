import { parseJsonEventStream, readUIMessageStream, uiMessageChunkSchema, type UIMessage, type UIMessageChunk } from "ai";
import { expect, it } from "vitest";
import { bodyOf, encoder, recordRun } from "./testing";

it("is read by the AI SDK as it is by us", async () => {
  const chunks = parseJsonEventStream({ stream: bodyOf([encoder.encode(recordRun("# 見出し\n\n日本語🗾です。", 3))]), schema: uiMessageChunkSchema }).pipeThrough(
    new TransformStream({
      transform(result, controller: TransformStreamDefaultController<UIMessageChunk>) {
        if (!result.success) throw result.error;
        controller.enqueue(result.value);
      },
    }),
  );
  let last: UIMessage | undefined;
  for await (const message of readUIMessageStream({ stream: chunks })) last = message;
  expect(last?.id).toBe("m1");
  expect(last?.metadata).toMatchObject({ status: "complete", stopReason: "end" });
  expect(last?.parts.filter((part) => part.type === "text" || part.type === "reasoning").map((part) => [part.type, part.text])).toEqual([
    ["reasoning", "考え中です🤔。"],
    ["text", "# 見出し\n\n日本語🗾です。"],
  ]);
});
