// One buffer for every codec: encoding and handing over to the driver happen in one synchronous step,
// so the bytes are never needed twice, and a thousand manifests do not keep a thousand buffers.
let scratch: Buffer | undefined

// Making a view of the buffer takes a quarter of the time of encoding 100 bytes. There are only so many short ones, and
// since their bytes hold only until the next call, each can be handed out again: at most 4,096 views, less than 1 MB.
let views: (Buffer | undefined)[] = []
const maxKeptView = 4096

/** A buffer grown beyond this is let go again, or one large message would hold its memory for the life of the process. */
const maxKeptBytes = 1024 * 1024

/**
 * Calls `write` with the shared buffer until it fits. `write` returns the end position,
 * or minus the missing bytes when the buffer is too short (the contract of avsc’s `encode`).
 */
export function writeToScratch(write: (buffer: Buffer) => number): Buffer {
  let buffer = (scratch ??= Buffer.allocUnsafeSlow(16 * 1024))
  let end = write(buffer)
  if (end < 0) {
    buffer = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, buffer.length - end))
    end = write(buffer)
    if (buffer.length <= maxKeptBytes) {
      scratch = buffer
      views = []
    }
  }
  if (buffer === scratch && end < maxKeptView) return (views[end] ??= buffer.subarray(0, end))
  return buffer.subarray(0, end)
}
