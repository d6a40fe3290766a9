import { MessagingError } from '../errors/messaging-error.ts'

/** What a schema registry said, kept by name. */
export interface SchemaStore {
  /** What was kept under `name`; undefined where there is nothing, or nothing that can be trusted. */
  read(name: string): Promise<unknown>
  /** @throws SCHEMA_CACHE_FAILED */
  write(name: string, value: unknown): Promise<void>
}

export interface SchemaFilesLimits {
  /** Files of one realm; beyond it those go that were written longest ago. Default 2000. */
  readonly maxEntries?: number
  /** Their size together. Default 64 MiB. */
  readonly maxBytes?: number
}

/** What a process that ended while it wrote may leave behind; a write takes milliseconds. */
const abandonedAfterMs = 600_000

/**
 * Keeps answers of one schema registry in a directory, one small file each. A file is written beside its place and renamed,
 * carries a checksum, and is readable by its owner only; one that is cut off or changed counts as absent.
 * @param realm tells schema registries apart that share a directory, e.g. their URLs
 */
export function createSchemaFiles(directory: string, realm: string, limits: SchemaFilesLimits = {}): SchemaStore {
  const { maxEntries = 2_000, maxBytes = 64 * 1024 * 1024 } = limits
  let folder: string | undefined
  const written = new Map<string, string>()
  // At least what is there, as far as this process knows; other processes may write too. Undefined before it was counted.
  let total: { entries: number; bytes: number } | undefined
  let sweeping: Promise<void> | undefined

  function fileOf(name: string): string {
    folder ??= process.getBuiltinModule('node:path').join(directory, digest(realm).slice(0, 16))
    return process.getBuiltinModule('node:path').join(folder, `${digest(name)}.json`)
  }

  async function makeRoom(bytes: number): Promise<void> {
    if (total) {
      total.entries++
      total.bytes += bytes
    }
    if (total && total.entries <= maxEntries && total.bytes <= maxBytes) return
    sweeping ??= sweep().finally(() => {
      sweeping = undefined
    })
    await sweeping
  }

  /** Counts what is there and removes the oldest; somewhat more than needed, so that not every further file needs a count. */
  async function sweep(): Promise<void> {
    const { readdir, rm } = process.getBuiltinModule('node:fs/promises')
    const files: File[] = []
    for (const name of await readdir(folder!)) {
      const path = process.getBuiltinModule('node:path').join(folder!, name)
      const file = await lookAt(path)
      if (file && name.endsWith('.json')) files.push(file)
      else if (file && Date.now() - file.writtenAtMs > abandonedAfterMs) await rm(path, { force: true })
    }
    files.sort((one, other) => other.writtenAtMs - one.writtenAtMs)
    const counted = { entries: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
    const isOver = (share: number): boolean => counted.entries > maxEntries * share || counted.bytes > maxBytes * share
    if (isOver(1)) {
      // What is removed is to be written again when it is answered again.
      written.clear()
      while (files.length > 0 && isOver(keptShare)) {
        const oldest = files.pop()!
        await rm(oldest.path, { force: true })
        counted.entries--
        counted.bytes -= oldest.bytes
      }
    }
    total = counted
  }

  return {
    async read(name) {
      try {
        const text = await process.getBuiltinModule('node:fs/promises').readFile(fileOf(name), 'utf8')
        const { checksum, content } = JSON.parse(text) as { checksum?: unknown; content?: unknown }
        if (typeof content !== 'string' || checksum !== digest(content)) return undefined
        // The name is inside too, so that a file put in another one's place is not taken for it.
        const entry = JSON.parse(content) as { name: string; value: unknown }
        return entry.name === name ? entry.value : undefined
      } catch {
        return undefined
      }
    },

    async write(name, value) {
      const content = JSON.stringify({ name, value })
      if (written.get(name) === content) return
      const { mkdir, rename, rm, writeFile } = process.getBuiltinModule('node:fs/promises')
      const file = fileOf(name)
      const temporary = `${file}.${process.pid}-${Math.random().toString(36).slice(2)}`
      const text = JSON.stringify({ checksum: digest(content), content })
      try {
        await mkdir(folder!, { recursive: true, mode: 0o700 })
        // flush: a rename may reach the disk before the bytes do.
        await writeFile(temporary, text, { mode: 0o600, flush: true })
        await rename(temporary, file)
        await makeRoom(Buffer.byteLength(text))
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => undefined)
        const { code = 'unknown' } = error as NodeJS.ErrnoException
        throw new MessagingError('SCHEMA_CACHE_FAILED', { directory, reason: code })
      }
      if (written.size < 10_000) written.set(name, content)
    },
  }
}

/** What a sweep leaves of the limits. */
const keptShare = 7 / 8

interface File {
  readonly path: string
  readonly bytes: number
  readonly writtenAtMs: number
}

/** Undefined for what another process has removed meanwhile. */
async function lookAt(path: string): Promise<File | undefined> {
  try {
    const { size, mtimeMs } = await process.getBuiltinModule('node:fs/promises').stat(path)
    return { path, bytes: size, writtenAtMs: mtimeMs }
  } catch {
    return undefined
  }
}

function digest(text: string): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(text).digest('hex')
}
