/** Whether this browser can record here: over plain HTTP it never can. */
export function canRecord(): boolean {
  // What is missing over plain HTTP is not in the types.
  return window.isSecureContext && typeof MediaRecorder !== "undefined" && typeof (navigator.mediaDevices as MediaDevices | undefined)?.getUserMedia === "function";
}
