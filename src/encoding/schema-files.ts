import { MessagingError } from '../errors/messaging-error.ts'

/** What a schema registry said, kept by name. */
export interface SchemaStore {
  /** What was kept under `name`; undefined where there is nothing, or nothing that can be trusted. */
  read(name: string): Promise<unknown>
  /** @throws SCHEMA_CACHE_FAILED */
  write(name: string, value: unknown): Promise<void>
}

/**
 * Keeps answers of one schema registry in a directory, one small file each. A file is written beside its place and renamed,
 * carries a checksum, and is readable by its owner only; one that is cut off or changed counts as absent.
 * @param realm tells schema registries apart that share a directory, e.g. their URLs
 */
export function createSchemaFiles(directory: string, realm: string): SchemaStore {
  let folder: string | undefined
  const written = new Map<string, string>()

  function fileOf(name: string): string {
    folder ??= process.getBuiltinModule('node:path').join(directory, digest(realm).slice(0, 16))
    return process.getBuiltinModule('node:path').join(folder, `${digest(name)}.json`)
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
      try {
        await mkdir(folder!, { recursive: true, mode: 0o700 })
        // flush: a rename may reach the disk before the bytes do.
        await writeFile(temporary, JSON.stringify({ checksum: digest(content), content }), { mode: 0o600, flush: true })
        await rename(temporary, file)
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => undefined)
        const { code = 'unknown' } = error as NodeJS.ErrnoException
        throw new MessagingError('SCHEMA_CACHE_FAILED', { directory, reason: code })
      }
      if (written.size < 10_000) written.set(name, content)
    },
  }
}

function digest(text: string): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(text).digest('hex')
}
