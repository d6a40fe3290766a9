// One buffer for every codec: encoding and handing over to the driver happen in one synchronous step,
// so the bytes are never needed twice, and a thousand manifests do not keep a thousand buffers.
let scratch: Buffer | undefined

/**
 * Calls `write` with the shared buffer until it fits. `write` returns the end position,
 * or minus the missing bytes when the buffer is too short (the contract of avsc’s `encode`).
 */
export function writeToScratch(write: (buffer: Buffer) => number): Buffer {
  scratch ??= Buffer.allocUnsafeSlow(16 * 1024)
  let end = write(scratch)
  if (end < 0) {
    scratch = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, scratch.length - end))
    end = write(scratch)
  }
  return scratch.subarray(0, end)
}
