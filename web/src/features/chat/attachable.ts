import type { Capabilities } from "@/lib/api/types";
import type { Attachment, FilePart } from "./api";

const imageTypes = ["image/png", "image/jpeg", "image/webp", "image/gif"];

// Both, because a browser knows a file by one or the other: Windows calls a CSV a spreadsheet, and no system knows Markdown.
const documentTypes = [
  "application/pdf",
  "text/plain",
  "text/csv",
  "text/html",
  "text/markdown",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
];
const documentNames = [".pdf", ".txt", ".csv", ".html", ".htm", ".md", ".markdown", ".docx", ".xlsx"];

type Kind = FilePart["type"];

/** What a model can be shown beside text. */
export type Takes = Pick<Capabilities, "vision" | "documents">;

/** What a file becomes in a message. Anything but an image is offered as a document: the server looks inside and decides. */
export function kindOf(mediaType: string): Kind {
  return imageTypes.includes(mediaType) ? "image" : "document";
}

/** Whether a model is shown files of this kind. */
export function canTake(takes: Takes, kind: Kind): boolean {
  return kind === "image" ? takes.vision : takes.documents;
}

/** What the file dialog offers for a model, as the accept attribute has it. */
export function acceptOf(takes: Takes): string {
  return [...(takes.vision ? imageTypes : []), ...(takes.documents ? [...documentTypes, ...documentNames] : [])].join(",");
}

/** A file that has arrived, as a part of the message it will be sent with. */
export function partOf({ id, name, mediaType, size }: Attachment): FilePart {
  return { type: kindOf(mediaType), attachmentId: id, name, mediaType, size };
}
