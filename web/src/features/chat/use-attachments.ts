import { useCallback, useEffect, useRef, useState } from "react";
import { isAbort, toApiError, type ApiError } from "@/lib/api/error";
import { type Attachment, type FilePart, attachmentUrl, deleteAttachment, uploadAttachment } from "./api";
import { type Takes, canTake, kindOf } from "./attachable";
import type { Draft } from "./drafts";

/** As many as go with one turn. */
export const mostAttachments = 20;

/** A file beside the text: on its way, there, or not taken. */
export interface AttachmentItem {
  key: string;
  name: string;
  size: number;
  kind: FilePart["type"];
  /** Of an image: where its picture is. */
  preview?: string;
  state: "uploading" | "ready" | "failed";
  /** 0 to 1, while uploading. */
  progress: number;
  error?: ApiError;
  attachment?: Attachment;
}

interface Upload extends AttachmentItem {
  file: File;
  cancel: AbortController;
}

/** Why a file was left out, before anything was sent: its kind, or the number. */
export interface Refusal {
  reason: FilePart["type"] | "tooMany";
  name: string;
}

/**
 * The files of a draft. Those that have arrived belong to the draft and are kept
 * with it; those on their way live here.
 */
export function useAttachments(draft: Draft, takes: Takes, change: (make: (draft: Draft) => Draft) => void) {
  const [uploads, setUploads] = useState<Upload[]>([]);
  /** Pictures made here of files that have arrived, so that they need not be fetched back. */
  const [previews, setPreviews] = useState<Readonly<Record<string, string>>>({});

  const patch = useCallback((key: string, with_: Partial<Upload>) => {
    setUploads((all) => all.map((upload) => (upload.key === key ? { ...upload, ...with_ } : upload)));
  }, []);

  const run = useCallback(
    async (upload: Upload) => {
      try {
        const attachment = await uploadAttachment(upload.file, (progress) => patch(upload.key, { progress }), upload.cancel.signal);
        const { preview } = upload;
        if (preview) setPreviews((old) => ({ ...old, [attachment.id]: preview }));
        change((old) => ({ ...old, attachments: [...old.attachments, attachment] }));
        setUploads((all) => all.filter((other) => other.key !== upload.key));
      } catch (error) {
        if (!isAbort(error)) patch(upload.key, { state: "failed", error: toApiError(error) });
      }
    },
    [change, patch],
  );

  const add = useCallback(
    (files: readonly File[]): Refusal[] => {
      const refused: Refusal[] = [];
      const room = mostAttachments - draft.attachments.length - uploads.length;
      const taken: Upload[] = [];
      for (const file of files) {
        const kind = kindOf(file.type);
        if (!canTake(takes, kind)) refused.push({ reason: kind, name: file.name });
        else if (taken.length >= room) refused.push({ reason: "tooMany", name: file.name });
        else {
          taken.push({
            key: `${Date.now()}-${taken.length}-${file.name}`,
            name: file.name,
            size: file.size,
            kind,
            ...(kind === "image" && { preview: URL.createObjectURL(file) }),
            state: "uploading",
            progress: 0,
            file,
            cancel: new AbortController(),
          });
        }
      }
      setUploads((all) => [...all, ...taken]);
      for (const upload of taken) void run(upload);
      return refused;
    },
    [draft.attachments.length, uploads.length, takes, run],
  );

  const retry = useCallback(
    (key: string) => {
      const upload = uploads.find((other) => other.key === key);
      if (!upload) return;
      const again: Upload = { ...upload, state: "uploading", progress: 0, error: undefined, cancel: new AbortController() };
      setUploads((all) => all.map((other) => (other.key === key ? again : other)));
      void run(again);
    },
    [uploads, run],
  );

  const remove = useCallback(
    (key: string) => {
      const upload = uploads.find((other) => other.key === key);
      if (upload) {
        upload.cancel.abort();
        setUploads((all) => all.filter((other) => other.key !== key));
        return;
      }
      change((old) => ({ ...old, attachments: old.attachments.filter((attachment) => attachment.id !== key) }));
      void deleteAttachment(key).catch(() => undefined); // the server clears away what was never sent
    },
    [uploads, change],
  );

  // Pictures are given back with the composer.
  const made = useRef(previews);
  useEffect(() => {
    made.current = previews;
  }, [previews]);
  useEffect(
    () => () => {
      for (const url of Object.values(made.current)) URL.revokeObjectURL(url);
    },
    [],
  );

  const items: AttachmentItem[] = [
    ...draft.attachments.map((attachment): AttachmentItem => ({
      key: attachment.id,
      name: attachment.name,
      size: attachment.size,
      kind: kindOf(attachment.mediaType),
      ...(kindOf(attachment.mediaType) === "image" && { preview: previews[attachment.id] ?? attachmentUrl(attachment.id) }),
      state: "ready",
      progress: 1,
      attachment,
    })),
    ...uploads,
  ];
  return { items, add, remove, retry, busy: uploads.some((upload) => upload.state === "uploading"), failed: uploads.some((upload) => upload.state === "failed") };
}
