import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSchemaFiles } from '../../src/encoding/schema-files.ts'
import { catchRejection } from '../catch-error.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'postrider-schemas-'))
})
afterEach(() => rm(directory, { recursive: true }))

async function files(): Promise<string[]> {
  const names = await readdir(directory, { recursive: true })
  return names.filter((name) => name.endsWith('.json')).map((name) => join(directory, name))
}

test('what was written is there for the next process, and for nobody else', async () => {
  await createSchemaFiles(directory, 'a').write('id 1', '"int"')
  expect(await createSchemaFiles(directory, 'a').read('id 1')).toBe('"int"')
  expect(await createSchemaFiles(directory, 'a').read('id 2')).toBeUndefined()
  expect(await createSchemaFiles(directory, 'b').read('id 1'), 'another schema registry').toBeUndefined()
  const [file = ''] = await files()
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await stat(join(file, '..'))).mode & 0o777).toBe(0o700)
})

test('many writers of one name leave one whole file', async () => {
  const stores = Array.from({ length: 20 }, () => createSchemaFiles(directory, 'a'))
  await Promise.all(stores.map((store, index) => store.write('id 1', 'x'.repeat(10_000 + index))))
  expect(await stores[0]!.read('id 1')).toMatch(/^x{10000,10019}$/)
  expect(await readdir(join((await files())[0]!, '..'))).toHaveLength(1)
})

test.each<[string, (text: string) => string]>([
  ['is cut off', (text) => text.slice(0, -20)],
  ['is empty', () => ''],
  ['was changed', (text) => text.replace('int', 'str')],
  ['is something else', () => '{"checksum":5}'],
])('a file that %s counts as absent, and is written again', async (_, damage) => {
  const store = createSchemaFiles(directory, 'a')
  await store.write('id 1', '"int"')
  const [file = ''] = await files()
  await writeFile(file, damage(await readFile(file, 'utf8')))
  expect(await store.read('id 1')).toBeUndefined()
  const next = createSchemaFiles(directory, 'a')
  await next.write('id 1', '"int"')
  expect(await next.read('id 1')).toBe('"int"')
})

test('a file in the place of another is not taken for it', async () => {
  const store = createSchemaFiles(directory, 'a')
  await store.write('id 1', 'one')
  const [first = ''] = await files()
  const text = await readFile(first, 'utf8')
  await rm(first)
  await store.write('id 2', 'two')
  await writeFile((await files())[0]!, text)
  expect(await store.read('id 2')).toBeUndefined()
})

test('the same again is not written again', async () => {
  const store = createSchemaFiles(directory, 'a')
  await store.write('id 1', 'one')
  await rm((await files())[0]!)
  await store.write('id 1', 'one')
  expect(await files()).toEqual([])
})

test('a directory that cannot be made is told by its code', async () => {
  const file = join(directory, 'taken')
  await writeFile(file, '')
  await chmod(file, 0o600)
  const error = await catchRejection(createSchemaFiles(file, 'a').write('id 1', 'one'))
  expect(error).toMatchObject({ code: 'SCHEMA_CACHE_FAILED', message: expect.stringMatching(/taken.*ENOTDIR/) })
})

/** As if `name` had been written so many seconds ago. */
async function age(file: string, seconds: number): Promise<void> {
  const at = Date.now() / 1000 - seconds
  await utimes(file, at, at)
}

test('the oldest go when there are too many, and are written again when they are answered again', async () => {
  const limits = { maxEntries: 8 }
  const store = createSchemaFiles(directory, 'a', limits)
  for (let id = 0; id < 8; id++) {
    const before = await files()
    await store.write(`id ${id}`, 'schema')
    const added = (await files()).find((file) => !before.includes(file))
    await age(added!, 100 - id)
  }
  expect(await files()).toHaveLength(8)
  await createSchemaFiles(directory, 'b', limits).write('id 0', 'of another schema registry')
  await store.write('id 8', 'schema')
  const ids = [0, 1, 2, 8]
  expect(await Promise.all(ids.map((id) => store.read(`id ${id}`)))).toEqual([undefined, undefined, 'schema', 'schema'])
  expect(await createSchemaFiles(directory, 'b').read('id 0')).toBe('of another schema registry')
  await store.write('id 0', 'schema')
  expect(await store.read('id 0')).toBe('schema')
})

test('the oldest go when they are too large together, also those of earlier processes', async () => {
  const value = 'x'.repeat(10_000)
  for (let id = 0; id < 10; id++) await createSchemaFiles(directory, 'a').write(`id ${id}`, value)
  const store = createSchemaFiles(directory, 'a', { maxBytes: 50_000 })
  await store.write('id 10', value)
  const sizes = await Promise.all((await files()).map(async (file) => (await stat(file)).size))
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(50_000)
  expect(await store.read('id 10')).toBe(value)
})

test('many writers at once stay within bounds as well', async () => {
  const store = createSchemaFiles(directory, 'a', { maxEntries: 50 })
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 16 }, (_, index) => store.write(`id ${round}-${index}`, 'schema')))
  }
  expect((await files()).length).toBeLessThanOrEqual(50 + 16)
})

test('what a crash left beside the files is removed, what is being written is not', async () => {
  const store = createSchemaFiles(directory, 'a')
  await store.write('id 1', 'one')
  const [file = ''] = await files()
  await Promise.all([writeFile(`${file}.1-old`, '{'), writeFile(`${file}.2-new`, '{')])
  await age(`${file}.1-old`, 3_600)
  await createSchemaFiles(directory, 'a').write('id 2', 'two')
  expect((await readdir(join(file, '..'))).filter((name) => !name.endsWith('.json'))).toEqual([
    expect.stringMatching(/\.2-new$/),
  ])
})

test('a process that dies half-way through a write leaves what was there before', async () => {
  const module = JSON.stringify(new URL('../../src/encoding/schema-files.ts', import.meta.url).href)
  const program = `const { createSchemaFiles } = await import(${module})
    const store = createSchemaFiles(${JSON.stringify(directory)}, 'a')
    await store.write('id 1', 'before')
    const files = process.getBuiltinModule('node:fs/promises')
    const { writeFile } = files
    files.writeFile = async (file, text, options) => {
      await writeFile(file, text.slice(0, text.length / 2), options)
      process.kill(process.pid, 'SIGKILL')
    }
    await store.write('id 1', 'after')`
  const writer = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' })
  expect(await once(writer, 'close')).toEqual([null, 'SIGKILL'])
  expect(await createSchemaFiles(directory, 'a').read('id 1')).toBe('before')
})
