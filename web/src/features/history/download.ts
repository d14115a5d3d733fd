import { fromResponse, toApiError } from "@/lib/api/error";
import { provenFetch, reportSessionEnd } from "@/lib/api/client";

/** The file name of a Content-Disposition, Japanese ones too. */
export function fileNameOf(disposition: string | null): string | undefined {
  const extended = /filename\*=(?:UTF-8|utf-8)''([^;]+)/.exec(disposition ?? "")?.[1];
  if (extended) {
    try {
      return decodeURIComponent(extended);
    } catch {
      // Not as it should be: the plain name is next.
    }
  }
  return /filename="?([^";]+)"?/.exec(disposition ?? "")?.[1];
}

/** Fetches a file and hands it to the person, who chooses where it goes. */
export async function download(path: string, init: RequestInit = {}, fallbackName = "kakoi"): Promise<void> {
  let response: Response;
  try {
    response = await provenFetch(new Request(new URL(`/api/v1${path}`, window.location.origin), init));
  } catch (error) {
    throw toApiError(error);
  }
  if (!response.ok) {
    const error = fromResponse(response, await response.json().catch(() => undefined));
    reportSessionEnd(error);
    throw error;
  }
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = fileNameOf(response.headers.get("Content-Disposition")) ?? fallbackName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
