import { useCallback, useEffect, useRef, useState } from "react";
import { isAbort, toApiError, type ApiError } from "@/lib/api/error";
import type { Attachment } from "./api";
import { type FileKind, type FileLimits, type Takes, canTake, guessKind, isPhotoOfPhone, kindOf, readableName } from "./attachable";
import type { Draft } from "./drafts";
import { type FileKeeper, fileUrl } from "./file-keeper";

/** As many go up at a time: a browser opens six connections to a server, and answers want theirs. */
const atOnce = 3;

/** A file beside the text: waiting, on its way, there, or not taken. */
export interface AttachmentItem {
  key: string;
  name: string;
  size: number;
  kind: FileKind;
  /** Of an image: where its picture is. */
  preview?: string;
  state: "waiting" | "uploading" | "ready" | "failed";
  /** 0 to 1, while uploading. */
  progress: number;
  error?: ApiError;
  attachment?: Attachment;
}

interface Upload extends AttachmentItem {
  file: File;
  cancel: AbortController;
}

/** Why a file was left out: trying again would not help it. */
export interface Refusal {
  reason: "image" | "document" | "heic" | "empty" | "tooLarge" | "tooMany" | "unsupported";
  name: string;
}

interface Options {
  draft: Draft;
  change: (make: (draft: Draft) => Draft) => void;
  /** What the model reads, and how much may be attached; undefined until it is known. Files wait for it. */
  takes: Takes | undefined;
  limits: FileLimits | undefined;
  keeper: FileKeeper;
}

let count = 0;

/**
 * The files of a draft. Those that have arrived belong to the draft and are kept
 * with it; those on their way live here.
 */
export function useAttachments({ draft, change, takes, limits, keeper }: Options) {
  const [uploads, setUploads] = useState<Upload[]>([]);
  const [refusals, setRefusals] = useState<readonly Refusal[]>([]);
  /** Pictures made here of files that have arrived, so that they need not be fetched back. */
  const [previews, setPreviews] = useState<Readonly<Record<string, string>>>({});
  const begun = useRef(new Set<string>());
  const attached = draft.attachments.length;

  const patch = useCallback((key: string, with_: Partial<Upload>) => {
    setUploads((all) => all.map((upload) => (upload.key === key ? { ...upload, ...with_ } : upload)));
  }, []);

  const run = useCallback(
    async (upload: Upload) => {
      const preview = upload.preview ?? (upload.kind === "image" ? URL.createObjectURL(upload.file) : undefined);
      patch(upload.key, { state: "uploading", ...(preview && { preview }) });
      try {
        const attachment = await keeper.keep(upload.file, (progress) => patch(upload.key, { progress }), upload.cancel.signal);
        if (preview) setPreviews((old) => ({ ...old, [attachment.id]: preview }));
        change((old) => ({ ...old, attachments: [...old.attachments, attachment] }));
        setUploads((all) => all.filter((other) => other.key !== upload.key));
      } catch (error) {
        if (isAbort(error)) return;
        const failure = toApiError(error);
        if (failure.code !== "unsupported_type") return patch(upload.key, { state: "failed", error: failure });
        const reason = isPhotoOfPhone(failure.params.mediaType) ? "heic" : "unsupported";
        setRefusals((before) => [...before, { reason, name: upload.name }]);
        setUploads((all) => all.filter((other) => other.key !== upload.key));
      }
    },
    [change, keeper, patch],
  );

  // What waits is judged once model and limits are known, and goes a few at a time.
  useEffect(() => {
    if (!takes || !limits) return;
    let place = attached + uploads.filter((upload) => upload.state !== "waiting").length;
    let free = atOnce - uploads.filter((upload) => upload.state === "uploading").length;
    const refused: Refusal[] = [];
    const next: Upload[] = [];
    const out = new Set<string>();
    for (const upload of uploads) {
      if (upload.state !== "waiting" || begun.current.has(upload.key)) continue;
      const reason = refusalOf(upload.file, takes, limits) ?? (place >= limits.attachmentsPerTurn ? "tooMany" : undefined);
      if (reason) {
        refused.push({ reason, name: upload.name });
        out.add(upload.key);
        continue;
      }
      place++;
      if (free-- <= 0) continue;
      begun.current.add(upload.key);
      next.push(upload);
    }
    queueMicrotask(() => {
      for (const upload of next) void run(upload);
      if (out.size === 0) return;
      setRefusals((before) => [...before, ...refused]);
      setUploads((all) => all.filter((upload) => !out.has(upload.key)));
    });
  }, [uploads, attached, takes, limits, run]);

  const add = useCallback((files: readonly File[]) => {
    setRefusals([]);
    const added = files.map((file): Upload => {
      const kind = guessKind(file, limits ?? { attachmentTypes: [] });
      return {
        key: `upload-${++count}`,
        name: readableName(file.name),
        size: file.size,
        kind: kind === "heic" ? "image" : kind,
        state: "waiting",
        progress: 0,
        file,
        cancel: new AbortController(),
      };
    });
    setUploads((all) => [...all, ...added]);
  }, [limits]);

  const retry = useCallback((key: string) => {
    begun.current.delete(key);
    patch(key, { state: "waiting", progress: 0, error: undefined, cancel: new AbortController() });
  }, [patch]);

  const remove = useCallback(
    (key: string) => {
      const upload = uploads.find((other) => other.key === key);
      if (upload) {
        upload.cancel.abort();
        if (upload.preview) URL.revokeObjectURL(upload.preview);
        setUploads((all) => all.filter((other) => other.key !== key));
        return;
      }
      change((old) => ({ ...old, attachments: old.attachments.filter((attachment) => attachment.id !== key) }));
      keeper.forget(key);
    },
    [uploads, change, keeper],
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
      ...(kindOf(attachment.mediaType) === "image" && { preview: previews[attachment.id] ?? fileUrl(attachment.id) }),
      state: "ready",
      progress: 1,
      attachment,
    })),
    ...uploads,
  ];
  return {
    items,
    /** How many will go with the text, once all have arrived. */
    taken: items.filter((item) => item.state !== "failed").length,
    refusals,
    forgetRefusals: useCallback(() => setRefusals([]), []),
    add,
    remove,
    retry,
    busy: uploads.some((upload) => upload.state === "uploading" || upload.state === "waiting"),
    failed: uploads.some((upload) => upload.state === "failed"),
  };
}

function refusalOf(file: File, takes: Takes, limits: FileLimits): Refusal["reason"] | undefined {
  const kind = guessKind(file, limits);
  if (kind === "heic") return "heic";
  if (!canTake(takes, kind)) return kind === "text" ? undefined : kind;
  if (file.size === 0) return "empty";
  return file.size > limits.attachmentBytes ? "tooLarge" : undefined;
}
