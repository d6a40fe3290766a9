import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  cacheKey,
  cacheRoot,
  readEntry,
  restoreOrBuild,
  writeEntry,
  writeFiles,
  type CachedFile,
} from '../../scripts/setup/native-cache.mjs'

const target = { driver: '1.10.1', abi: '137', platform: 'linux', arch: 'x64', libc: 'glibc-2.36' }
const key = cacheKey(target)
const addon = 'build/Release/addon.node'
const library = 'build/deps/librdkafka.so.1'

let root: string
let checkout: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'native-cache-'))
  checkout = await mkdtemp(join(tmpdir(), 'native-checkout-'))
})

afterEach(async () => {
  await rm(root, { recursive: true })
  await rm(checkout, { recursive: true })
})

function files(content = 'good'): CachedFile[] {
  return [
    { path: addon, bytes: Buffer.from(`addon ${content}`) },
    { path: library, bytes: Buffer.from(`library ${content}`) },
  ]
}

/** Runs restoreOrBuild into the checkout and says what it did. */
async function install(build: () => CachedFile[] = () => files('rebuilt'), works = true) {
  const did = { restored: false, built: false, reports: [] as string[] }
  await restoreOrBuild(root, key, {
    use: async (cached) => {
      did.restored = true
      writeFiles(checkout, cached)
      return works
    },
    build: async () => {
      did.built = true
      const built = build()
      writeFiles(checkout, built)
      return built
    },
    report: (text) => did.reports.push(text),
  })
  return did
}

const installed = (path: string) => readFile(join(checkout, path), 'utf8')
const cached = (path: string) => join(root, key, path)

describe('restore', () => {
  test('builds once, then restores the same bytes without building', async () => {
    expect(await install(() => files())).toEqual({ restored: false, built: true, reports: [] })
    await rm(join(checkout, 'build'), { recursive: true })
    expect(await install()).toEqual({ restored: true, built: false, reports: [] })
    expect(await installed(addon)).toBe('addon good')
    expect(await installed(library)).toBe('library good')
  })

  test('replaces an installed file instead of writing into it, since a process may have it loaded', async () => {
    await install(() => files())
    const { ino } = await stat(join(checkout, library))
    // Held open, as a process that loaded it does; otherwise the new file might get the freed inode number.
    await using held = await open(join(checkout, library))
    await install()
    expect((await stat(join(checkout, library))).ino).not.toBe(ino)
    expect((await held.stat()).ino).toBe(ino)
  })

  test('keeps a static build of a single file as well', async () => {
    await install(() => files().slice(0, 1))
    expect(await install()).toMatchObject({ restored: true, built: false })
  })

  test('an entry that is intact but does not load is built again', async () => {
    writeEntry(root, key, files())
    expect(await install(undefined, false)).toMatchObject({ restored: true, built: true })
    expect(readEntry(root, key)).toMatchObject({ state: 'found', files: files('rebuilt') })
  })
})

describe('a damaged entry is refused, reported and replaced', () => {
  const damages: Record<string, { damage: () => Promise<void>; reported: string }> = {
    'one changed byte': {
      damage: async () => {
        const bytes = await readFile(cached(library))
        bytes[3] = (bytes[3] ?? 0) ^ 1
        await writeFile(cached(library), bytes)
      },
      reported: `${library} does not match its SHA-256`,
    },
    'a cut file': {
      damage: async () => writeFile(cached(addon), 'add'),
      reported: `${addon} does not match its SHA-256`,
    },
    'a missing file': { damage: async () => rm(cached(addon)), reported: addon },
    'no manifest': { damage: async () => rm(cached('manifest.json')), reported: 'manifest.json' },
    'a manifest that is no JSON': { damage: async () => writeFile(cached('manifest.json'), '{'), reported: 'JSON' },
    'a manifest that lists nothing': {
      damage: async () => writeFile(cached('manifest.json'), JSON.stringify({ key, files: [] })),
      reported: 'lists no files',
    },
    "another target's manifest": {
      damage: async () => writeFile(cached('manifest.json'), JSON.stringify({ key: 'other', files: [] })),
      reported: 'manifest.json is for other',
    },
    'a manifest that points outside the package': {
      damage: async () =>
        writeFile(cached('manifest.json'), JSON.stringify({ key, files: [{ path: 'build/../../x', sha256: '' }] })),
      reported: 'outside build/',
    },
  }

  test.each(Object.entries(damages))('%s', async (_name, { damage, reported }) => {
    writeEntry(root, key, files())
    await damage()
    const did = await install()
    expect(did).toMatchObject({ restored: false, built: true })
    expect(did.reports).toHaveLength(1)
    expect(did.reports[0]).toContain(reported)
    expect(await installed(library)).toBe('library rebuilt')
    expect(readEntry(root, key)).toMatchObject({ state: 'found', files: files('rebuilt') })
  })
})

describe('writing', () => {
  test('a failed build leaves no entry', async () => {
    const fails = install(() => {
      throw new Error('compiler says no')
    })
    await expect(fails).rejects.toThrow('compiler says no')
    expect(await readdir(root)).toEqual([])
  })

  test.each(['no', 'a damaged'])(
    'of parallel writers over %s entry one whole entry stays, and nothing beside it',
    async (before) => {
      if (before === 'a damaged') {
        writeEntry(root, key, files())
        await writeFile(cached(addon), '')
      }
      const writers = Array.from({ length: 6 }, (_, n) => writeInProcess(`writer ${n}`))
      await Promise.all(writers)
      const entry = readEntry(root, key)
      expect(entry.state).toBe('found')
      expect(await readdir(root)).toEqual([key])
    },
  )

  test('a later writer does not replace an intact entry, which another process may be reading', () => {
    writeEntry(root, key, files('first'))
    writeEntry(root, key, files('second'))
    expect(readEntry(root, key)).toMatchObject({ files: files('first') })
  })

  test('a cache that cannot be written is reported and does not fail the build', async () => {
    await rm(root, { recursive: true })
    await writeFile(root, 'a file where the folder should be')
    const did = await install()
    expect(did.built).toBe(true)
    expect(did.reports[0]).toContain('could not be written')
    expect(existsSync(join(checkout, library))).toBe(true)
  })
})

describe('key and place', () => {
  test.each(Object.keys(target))('another %s is another entry', (part) => {
    expect(cacheKey({ ...target, [part]: 'other' })).not.toBe(key)
  })

  test('POSTRIDER_NATIVE_CACHE, then XDG_CACHE_HOME, then ~/.cache', () => {
    expect(cacheRoot({ POSTRIDER_NATIVE_CACHE: '/own', XDG_CACHE_HOME: '/xdg' }, '/me')).toBe('/own')
    expect(cacheRoot({ XDG_CACHE_HOME: '/xdg' }, '/me')).toBe('/xdg/postrider/native')
    expect(cacheRoot({}, '/me')).toBe('/me/.cache/postrider/native')
  })
})

/** A real second process: writers in one process would never overlap, since writing is synchronous. */
async function writeInProcess(content: string): Promise<void> {
  const script = `
    import { writeEntry } from ${JSON.stringify(new URL('../../scripts/setup/native-cache.mjs', import.meta.url).href)}
    const files = [{ path: ${JSON.stringify(addon)}, bytes: Buffer.alloc(1_000_000, ${JSON.stringify(content)}) }]
    writeEntry(${JSON.stringify(root)}, ${JSON.stringify(key)}, files)`
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
}
