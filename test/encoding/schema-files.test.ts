import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
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
