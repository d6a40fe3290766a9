import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { loadManifest, loadManifests } from '../../src/cli/load-manifest.ts'
import { catchRejection } from '../catch-error.ts'
import { Counted, Note } from './manifests.ts'
import Single from './single-manifest.ts'

const file = fileURLToPath(new URL('manifests.ts', import.meta.url))
const single = fileURLToPath(new URL('single-manifest.ts', import.meta.url))

test('the class after # is found', async () => {
  expect(await loadManifest(`${file}#Note`)).toBe(Note)
})

test.each([single, `${single}#`, `${single}#default`])('without a name the only one is: %s', async (reference) => {
  expect(await loadManifest(reference)).toBe(Single)
})

test('a path is relative to the working directory', async () => {
  expect(await loadManifest('test/cli/manifests.ts#Note')).toBe(Note)
})

test.each([
  [file, 'say which manifest with #Name; the file exports '],
  [`${file}#Nope`, 'the file has no export Nope; its manifests are '],
  [`${file}#toString`, 'the file has no export toString'],
  [`${file}#noManifest`, 'noManifest is not a producer manifest; its manifests are '],
  ['./gone.ts#Note', 'the file cannot be loaded (Cannot find module'],
  ['', 'the file cannot be loaded'],
])('%s is refused: %s', async (reference, reason) => {
  const error = await catchRejection(loadManifest(reference))
  expect(error.code).toBe('INPUT_INVALID')
  expect(error.message).toContain(`--manifest ${reference}: `)
  expect(error.message).toContain(reason)
})

test('the message names the manifests there are', async () => {
  const { message } = await catchRejection(loadManifest(file))
  expect(message).toMatch(/the file exports (Counted, Note|Note, Counted)\.$/)
})

test('all manifests of a file, or the one that is named', async () => {
  expect(new Set(await loadManifests(file))).toEqual(new Set([Counted, Note]))
  expect(await loadManifests(`${file}#Note`)).toEqual([Note])
  expect((await catchRejection(loadManifests('test/cli/run-cli.ts'))).message).toContain('the file exports no manifest')
})
