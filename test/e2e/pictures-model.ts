import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What is asked, answered, and how it is called. */
export interface Conversation {
  title: string;
  question: string;
  answer: string;
}

/** An OpenAI-compatible server that knows a few conversations by heart. */
export async function playModel(conversations: Conversation[]): Promise<{ url: string; stop: () => void }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { messages } = JSON.parse(Buffer.concat(chunks).toString()) as { messages: { content: unknown }[] };
      const asked = JSON.stringify(messages.at(-1)?.content);
      const known = conversations.find((one) => asked.includes(JSON.stringify(one.question).slice(1, -1)));
      const text = !known ? "承知しました。" : asked.includes("<answer>") ? known.title : known.answer;
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      const send = (data: object) => response.write(`data: ${JSON.stringify(data)}\n\n`);
      send({ choices: [{ index: 0, delta: { role: "assistant", content: text } }] });
      send({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: { prompt_tokens: 412, completion_tokens: 318, total_tokens: 730 } });
      response.end("data: [DONE]\n\n");
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, stop: () => server.close() };
}
