import { type Attachment, attachmentUrl, deleteAttachment, uploadAttachment } from "./api";
import { readableName } from "./attachable";
import { newClientId } from "./drafts";

/** Where the files of a draft are until they are sent. */
export interface FileKeeper {
  keep: (file: File, onProgress: (share: number) => void, signal: AbortSignal) => Promise<Attachment>;
  forget: (id: string) => void;
}

/** On the server: a file is sent once, and messages name it. */
export const onServer: FileKeeper = {
  keep: uploadAttachment,
  forget: (id) => void deleteAttachment(id).catch(() => undefined), // the server clears away what was never sent
};

const held = new Map<string, { file: File; url: string }>();

/** In this page alone, for conversations that are not kept. */
export const inPage: FileKeeper = {
  keep: (file) => Promise.resolve(hold(file, file.type)),
  forget: (id) => {
    const found = held.get(id);
    if (found) URL.revokeObjectURL(found.url);
    held.delete(id);
  },
};

function hold(file: File, mediaType: string): Attachment {
  const id = `page-${newClientId()}`;
  held.set(id, { file, url: URL.createObjectURL(file) });
  return { id, name: readableName(file.name), mediaType, size: file.size };
}

/** Takes a file that was uploaded into the page, and off the server. */
export async function intoPage(attachment: Attachment): Promise<Attachment> {
  const response = await fetch(attachmentUrl(attachment.id));
  if (!response.ok) throw new Error(`status ${response.status}`);
  const file = new File([await response.blob()], attachment.name, { type: attachment.mediaType });
  onServer.forget(attachment.id);
  return hold(file, attachment.mediaType);
}

/** Where the content of a file is, on the server or in this page. */
export const fileUrl = (id: string) => held.get(id)?.url ?? attachmentUrl(id);

/** The content of a file that this page holds, as the API takes it. */
export function contentOf(id: string): Promise<string> {
  const found = held.get(id);
  if (!found) return Promise.reject(new Error("the file is gone"));
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(reader.error ?? new Error("the file cannot be read"));
    reader.readAsDataURL(found.file);
  });
}
