/** Sends a form with a file and says how far it is. `fetch` cannot tell, so this is the one XMLHttpRequest. */
import { ApiError, currentCsrfToken, guarded, understand } from "./client";

export interface UploadHooks {
  /** Share of the bytes sent, 0..1. At 1 the server still has to answer. */
  progress?: (share: number) => void;
  /** Aborting rejects with code `upload_stopped`; nothing is kept on the server. */
  signal?: AbortSignal;
}

export function upload<T>(path: string, form: FormData, hooks: UploadHooks = {}): Promise<T> {
  return guarded(() => attempt<T>(path, form, hooks));
}

function attempt<T>(path: string, form: FormData, { progress, signal }: UploadHooks): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    const end = (settle: () => void) => {
      signal?.removeEventListener("abort", stop);
      settle();
    };
    request.open("POST", path);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", currentCsrfToken());
    request.upload.onprogress = (event) => event.lengthComputable && progress?.(event.loaded / event.total);
    request.onload = () =>
      end(() => {
        try {
          resolve(understand<T>(request.status, request.responseText));
        } catch (error) {
          reject(error);
        }
      });
    request.onerror = () => end(() => reject(new ApiError("network", 0)));
    request.onabort = () => end(() => reject(new ApiError("upload_stopped", 0)));
    if (signal?.aborted) return reject(new ApiError("upload_stopped", 0));
    signal?.addEventListener("abort", stop);
    request.send(form);
  });
}
