import type { Capabilities, Schemas } from "@/lib/api/types";
import type { Attachment, FilePart } from "./api";

/** Endings of names by media type, of what is no text: a browser knows a file by one or the other. */
const images: Record<string, readonly string[]> = { "image/png": [".png"], "image/jpeg": [".jpg", ".jpeg"], "image/gif": [".gif"], "image/webp": [".webp"] };
const documents: Record<string, readonly string[]> = {
  "application/pdf": [".pdf"],
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": [".docx"],
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": [".xlsx"],
};
const photosOfPhones = ["image/heic", "image/heif", ".heic", ".heif", ".hif"];

/** What a file is to a model: text is given as words, which every model reads. */
export type FileKind = FilePart["type"] | "text";

/** What a model can be shown beside text. */
export type Takes = Pick<Capabilities, "vision" | "documents">;

/** A model that reads words only, or none at all. */
export const onlyWords: Takes = { vision: false, documents: false };

/** How much may be attached, and what. */
export type FileLimits = Pick<Schemas["Limits"], "attachmentBytes" | "attachmentsPerTurn" | "attachmentTypes">;

/** Where the limits cannot be had, the server alone says what is too much. */
export const noLimits: FileLimits = { attachmentBytes: Number.POSITIVE_INFINITY, attachmentsPerTurn: Number.POSITIVE_INFINITY, attachmentTypes: [] };

const isOf = (types: Record<string, readonly string[]>, mediaType: string, ending: string) => mediaType in types || Object.values(types).some((endings) => endings.includes(ending));

const endingOf = (name: string) => /\.[^.]+$/.exec(name)?.[0].toLowerCase() ?? "";

/** A name as it is read: some systems take characters apart (が as か and its mark). */
export const readableName = (name: string) => name.normalize("NFC");

/** What a file that arrived is; the server has looked inside. */
export function kindOf(mediaType: string): FileKind {
  return mediaType in images ? "image" : mediaType in documents ? "document" : "text";
}

/**
 * What a file seems to be before anybody has looked inside. The name goes first
 * for text: Windows calls a CSV a spreadsheet, and no system knows Markdown.
 */
export function guessKind({ name, type }: Pick<File, "name" | "type">, { attachmentTypes }: Pick<FileLimits, "attachmentTypes">): FileKind | "heic" {
  const ending = endingOf(name);
  if (ending !== "" && attachmentTypes.includes(ending)) return "text";
  if (photosOfPhones.includes(type) || photosOfPhones.includes(ending)) return "heic";
  if (isOf(images, type, ending)) return "image";
  return isOf(documents, type, ending) ? "document" : "text";
}

/** Whether a model is shown files of this kind. */
export function canTake(takes: Takes, kind: FileKind): boolean {
  return kind === "image" ? takes.vision : kind === "document" ? takes.documents : true;
}

/** What the file dialog offers for a model, as the accept attribute has it; undefined: everything. */
export function acceptOf(takes: Takes, { attachmentTypes }: FileLimits): string | undefined {
  const offered = attachmentTypes.flatMap((type) => {
    if (type.startsWith(".")) return [type];
    return canTake(takes, kindOf(type)) ? [type, ...(images[type] ?? documents[type] ?? [])] : [];
  });
  return offered.length > 0 ? offered.join(",") : undefined;
}

/** Whether the server took a file for a photo in the format of phones. */
export const isPhotoOfPhone = (mediaType: string | undefined) => mediaType !== undefined && photosOfPhones.includes(mediaType);

/** A file that has arrived, as a part of the message it will be sent with. */
export function partOf({ id, name, mediaType, size }: Attachment): FilePart {
  return { type: kindOf(mediaType) === "image" ? "image" : "document", attachmentId: id, name, mediaType, size };
}
